import protobuf from 'protobufjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pipeline, TestPublish, TestSink } from '../gateway/core/fixture.ts';
import { nested } from './generators/protobuf.ts';
import { flawOfText } from './judge/text.ts';

/** The largest packet that the gateway takes by default; a payload is somewhat less. */
const largest = 262_144;

/** Counts the tags that decoding reads: its work, whatever machine it runs on. */
let tags = 0;
const { prototype } = protobuf.Reader;
const original = Object.getOwnPropertyDescriptor(prototype, 'tag') as PropertyDescriptor;
beforeEach(() => {
  tags = 0;
  prototype.tag = function counted(this: protobuf.Reader): number {
    tags += 1;
    return (original.value as () => number).call(this);
  };
});
afterEach(() => void Object.defineProperty(prototype, 'tag', original));

const repeated = (hex: string, bytes: number): Buffer => Buffer.alloc(bytes, Buffer.from(hex, 'hex'));

const bombs: readonly (readonly [string, string, (bytes: number) => Buffer])[] = [
  ['groups in groups', 'telemetry', (bytes) => nested(bytes / 2, 'groups')],
  ['groups in groups that never end', 'telemetry', (bytes) => repeated('33', bytes)],
  ['groups in groups of a number that nobody knows', 'telemetry', (bytes) => repeated('a306', bytes)],
  [
    'groups in groups in each item of a batch',
    'telemetry/batch',
    (bytes) => repeated(`0a7f${'33'.repeat(127)}`, bytes),
  ],
  ['messages in messages', 'telemetry', () => nested(2_000, 'messages')],
  ['unknown fields', 'telemetry', (bytes) => repeated('f80100', bytes)],
  ['unknown fields of no length', 'telemetry', (bytes) => repeated('fa0100', bytes)],
  ['known fields in another wire type', 'telemetry', (bytes) => repeated('0800', bytes)],
  ['one field again and again', 'telemetry', (bytes) => repeated('3200', bytes)],
  ['lists of nothing', 'diagnostics', (bytes) => repeated('2a00', bytes)],
  ['items of nothing', 'telemetry/batch', (bytes) => repeated('0a00', bytes)],
  ['a length of 4 GB', 'telemetry', () => Buffer.from('0affffffff0f61', 'hex')],
];

function run(kind: string, payload: Buffer) {
  tags = 0;
  const rejection = pipeline.run(new TestPublish({ topic: `v1/vehicles/veh-7/${kind}`, payload }), new TestSink());
  return { rejection, tags };
}

describe('a Protobuf payload that is a bomb', () => {
  it.each(bombs)('of %s is rejected, for no more work than one step a byte', (_what, kind, make) => {
    const payload = make(largest);
    const { rejection, tags: steps } = run(kind, payload);
    expect(rejection?.reason).toMatch(/^(malformed_payload|invalid_field|too_large)$/);
    expect(flawOfText(rejection?.detail ?? '', [])).toBeUndefined();
    expect(rejection?.detail).not.toMatch(/stack/i);
    expect(steps).toBeLessThanOrEqual(payload.length);
  });

  it.each(bombs)('of %s costs twice as much when it is twice as long, not more', (_what, kind, make) => {
    const half = run(kind, make(largest / 2)).tags;
    expect(run(kind, make(largest)).tags).toBeLessThanOrEqual(2 * half + 8);
  });
});
