import { describe, expect, it } from 'vitest';
import { describeAvro } from '../../docs/reference/avro.ts';
import { anchorOf } from '../../docs/reference/markdown.ts';
import { eventReference } from '../../docs/reference/reference.ts';
import { readSources } from '../../docs/reference/sources.ts';
import { DeadLetter } from '../../gateway/core/dead-letter.ts';
import { DeadLetterEncoder } from '../../gateway/core/dead-letter-encoder.ts';
import { commonHeaders, eventHeaders, letterHeaders } from '../../gateway/core/headers/record-headers.ts';
import { rejectionReasons } from '../../gateway/core/outcome.ts';
import {
  defaultOptions,
  receivedAtMs,
  run,
  TestPublish,
  TestSink,
  telemetry,
  vehicle,
} from '../gateway/core/fixture.ts';

const sources = readSources();
const text = eventReference(sources);

describe('the reference of events', () => {
  it('names every topic, every event type, every reason and every schema', () => {
    const names = [
      ...sources.topics.map(({ name }) => name),
      ...sources.kinds.map(({ type }) => type),
      ...rejectionReasons,
      ...sources.recordNames.values(),
    ];
    for (const name of names) expect(text).toContain(`\`${name}\``);
    expect(sources.written).toEqual(expect.arrayContaining(sources.kinds.map(({ kafkaTopic }) => kafkaTopic)));
  });

  it('has a heading for each of its links', () => {
    const headings = new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading as string)));
    const links = [...text.matchAll(/\]\((#[^)]*)\)/g)].map(([, link]) => link as string);
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((link) => !headings.has(link))).toEqual([]);
  });

  it('has tables whose rows are as long as their heads', () => {
    for (const table of text.split('\n\n').filter((part) => part.startsWith('|'))) {
      const lengths = table
        .trim()
        .split('\n')
        .map((row) => row.replaceAll('\\|', '').split('|').length);
      expect(new Set(lengths).size, table).toBe(1);
    }
  });

  it('tells where the fields of a record inside of a record are', () => {
    const position = sources.schemas.find(({ subject }) => subject.endsWith('.VehicleTelemetry'))?.definition ?? '';
    expect(describeAvro(position).fields).toContain(
      '| `position.latitudeDeg` | double |  | Degrees north, -90 to 90. |',
    );
  });
});

describe('the table of headers', () => {
  const always = (headers: object): string[] =>
    Object.entries(headers as Record<string, { when?: string }>).flatMap(([name, { when }]) =>
      when === undefined ? [name] : [],
    );

  it('names every header of an event, and those that are always there', () => {
    const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01', correlationId: 'c-1' };
    const { records } = run({ payload: telemetry(), ...trace });
    const names = Object.keys(records[0]?.headers ?? {});
    const known = [...Object.keys(commonHeaders), ...Object.keys(eventHeaders)];
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining([...always(commonHeaders), 'ce_sequence', 'ce_traceparent']));
  });

  it('names every header of a dead letter, and those that are always there', () => {
    const identity = { ...vehicle, groups: ['pilot'] };
    const publish = new TestPublish({ identity, payload: telemetry(), topic: 'x'.repeat(300) });
    const rejection = { reason: 'no_route', detail: '' } as const;
    const letter = new DeadLetter(publish, rejection, 'stripped', { letterSettled: () => undefined }, 3);
    const sink = new TestSink();
    sink.append('dlq', letter.key, receivedAtMs, new DeadLetterEncoder(defaultOptions), letter, letter);
    const names = Object.keys(sink.records[0]?.headers ?? {});
    const known = [...Object.keys(commonHeaders), ...Object.keys(letterHeaders)];
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining([...always(commonHeaders), ...Object.keys(letterHeaders)]));
  });
});
