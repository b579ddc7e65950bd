import { randomBytes } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordEncoder } from '../../../gateway/core/record-sink.ts';
import {
  batchOf,
  decodeFrame,
  finishFrame,
  frameHeaderBytes,
  layOutFrame,
} from '../../../gateway/spool/frame-format.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { assemble, FakeTarget, settingsFor, TestDirectory } from './support.ts';

const header = { number: 7, spooledAtMs: 1, records: 1, rawBytes: 100 };
const bytesEncoder: RecordEncoder<Buffer> = {
  writeValue: (bytes, target, offset) => {
    if (offset + bytes.length > target.length) return -1;
    target.set(bytes, offset);
    return offset + bytes.length;
  },
  writeHeaders: (_bytes, target, offset) => textEncoder.writeHeaders('', target, offset),
};

/** A whole frame of the spool, as anybody can make one. */
function forgedFrame(number: number): Buffer {
  const frame = layOutFrame({ ...header, number }, Buffer.from('events'), Buffer.from('the forged batch'));
  finishFrame(frame, number);
  return frame;
}

/** Spools an honest record and one that holds a frame, and resolves to the path of the segment that they are in. */
async function spooledWithPlanted(directory: string): Promise<string> {
  const { sink, close } = await assemble(settingsFor(directory, { segmentBytes: 1024 * 1024 }));
  const settlements = new Settlements();
  sink.append('events', 'veh-1', 1, textEncoder, 'honest', settlements.of('honest'));
  await waitFor(() => settlements.settled.length === 1, { deadlineMs: 5000, everyMs: 2, what: 'the first' });
  // What does not shrink is stored as it is.
  const payload = Buffer.concat([randomBytes(3000), forgedFrame(0x11223344556), randomBytes(20_000)]);
  sink.append('dlq', 'veh-2', 1, bytesEncoder, payload, settlements.of('planted'));
  await waitFor(() => settlements.settled.length === 2, { deadlineMs: 5000, everyMs: 2, what: 'the second' });
  sink.append('events', 'veh-1', 1, textEncoder, 'behind it', settlements.of('behind it'));
  await waitFor(() => settlements.settled.length === 3, { deadlineMs: 5000, everyMs: 2, what: 'the third' });
  await close();
  const [name] = (await readdir(directory)).filter((each) => each.endsWith('.segment'));
  return join(directory, name as string);
}

async function replayed(directory: string): Promise<readonly string[]> {
  const target = new FakeTarget();
  const { spool, close } = await assemble(settingsFor(directory), target);
  await waitFor(() => spool.depth().records === 0, { deadlineMs: 10_000, everyMs: 2, what: 'the replay' });
  await close();
  return target.log.map(({ key, value }) => `${key} ${value.length > 100 ? 'payload' : value}`);
}

describe('a frame that a device has put into its payload', () => {
  it('reaches Kafka as the payload that it is', async () => {
    await using directory = await TestDirectory.make();
    await spooledWithPlanted(directory.path);
    expect(await replayed(directory.path)).toEqual(['veh-1 honest', 'veh-2 payload', 'veh-1 behind it']);
  });

  it('is no frame of the spool behind a write that was cut short', async () => {
    await using directory = await TestDirectory.make();
    const path = await spooledWithPlanted(directory.path);
    await truncate(path, (await readFile(path)).length - 4096);
    expect(await replayed(directory.path)).toEqual(['veh-1 honest']);
  });

  it('is no frame of the spool where its own is damaged, and hides none behind it', async () => {
    await using directory = await TestDirectory.make();
    const path = await spooledWithPlanted(directory.path);
    const bytes = await readFile(path);
    const behind = bytes.length - 4096;
    bytes.writeUInt8(bytes.readUInt8(behind) ^ 1, behind);
    await writeFile(path, bytes);
    expect(await replayed(directory.path)).toEqual(['veh-1 honest', 'veh-1 behind it']);
  });

  it('does not say where a segment begins that has lost its header', async () => {
    await using directory = await TestDirectory.make();
    const path = await spooledWithPlanted(directory.path);
    const bytes = await readFile(path);
    // Up to bytes of the payload before what is planted.
    for (let at = 0; at < 2000; at += 1) bytes.writeUInt8(bytes.readUInt8(at) ^ 0x5a, at);
    await writeFile(path, bytes);
    expect(await replayed(directory.path)).toEqual(['veh-1 behind it']);
  });
});

it('no batch, whatever is in it, lies in a plain frame with the beginning of one', () => {
  const masks = Buffer.concat(Array.from({ length: 256 }, (_, mask) => Buffer.from('EIGF').map((byte) => byte ^ mask)));
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 50 }),
    fc.constantFrom(Buffer.from('EIGF'), masks, forgedFrame(3)),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
      const batch = Buffer.concat(parts);
      const frame = layOutFrame(header, Buffer.from('events'), batch);
      finishFrame(frame, 7);
      expect(frame.subarray(frameHeaderBytes).includes('EIGF')).toBe(false);
      expect(batchOf(frame)).toEqual(batch);
      expect(decodeFrame(frame, 0)).toMatchObject({ number: 7, topic: 'events', batch, isSealed: false });
    }),
  );
});
