import { type CloudEvent, Kafka } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { nameOf } from '../../dead-letters/event-name.ts';
import { type LetterFilter, matches } from '../../dead-letters/filter.ts';
import { hexDump } from '../../dead-letters/hex-dump.ts';
import { readLetter } from '../../dead-letters/letter.ts';
import { headerArray, type Note, Notes, noteRecord, readNote } from '../../dead-letters/notes.ts';
import { commonHeaders } from '../../gateway/core/headers/record-headers.ts';
import { TopicPattern } from '../../gateway/core/topic-pattern.ts';
import { headersOf } from '../../gateway/record-batch/header-array.ts';
import type { LogRecord } from '../../record-log/record-batch.ts';

const dlq = 'veh.events.raw.dlq';

const recordOf = (headers: Readonly<Record<string, string>>, overrides: Partial<LogRecord> = {}): LogRecord => ({
  partition: 2,
  offset: 17,
  timestampMs: 1000,
  key: Buffer.from('veh-7'),
  value: Buffer.from('payload'),
  headers: headerArray(Object.entries(headers).map(([key, value]) => [key, Buffer.from(value)])),
  ...overrides,
});

const commonAlways = Object.entries(commonHeaders).flatMap(([name, meaning]) => ('when' in meaning ? [] : [name]));

const headers = {
  ce_subject: 'veh-7',
  ce_traceparent: '00-a-b-01',
  'content-type': 'application/x-protobuf',
  dlq_reason: 'invalid_field',
  dlq_message: 'speedMps -1 is not from 0 to 150',
  dlq_device_id: 'unit-7',
  dlq_device_kind: 'vehicle',
  dlq_bound_to: 'veh-7',
  dlq_mqtt_topic: 'v1/vehicles/veh-7/telemetry',
  dlq_qos: '2',
  dlq_received_time: '2025-11-21T09:22:33.123Z',
};

describe('a dead letter', () => {
  it('tells the publish that it was, and who sent it', () => {
    expect(readLetter(recordOf(headers), dlq)).toMatchObject({
      partition: 2,
      offset: 17,
      reason: 'invalid_field',
      receivedAtMs: Date.parse('2025-11-21T09:22:33.123Z'),
      identity: { deviceId: 'unit-7', kind: 'vehicle', boundTo: 'veh-7' },
      mqttTopic: 'v1/vehicles/veh-7/telemetry',
      qos: 2,
      contentType: 'application/x-protobuf',
      traceparent: '00-a-b-01',
      payload: Buffer.from('payload'),
      droppedBytes: undefined,
      truncated: false,
      unkept: 0,
    });
  });

  it('of a gateway that did not write whom the device is bound to has that as its key', () => {
    const { dlq_bound_to: _, ...older } = headers;
    expect(readLetter(recordOf(older), dlq)?.identity.boundTo).toBe('veh-7');
    const anonymous = readLetter(recordOf({ ...older, dlq_device_kind: 'anonymous' }), dlq);
    expect(anonymous?.identity).toEqual({ deviceId: 'unit-7', kind: 'anonymous', boundTo: '' });
  });

  it('may be a record that Kafka refused, with its own headers, or a letter that it refused', () => {
    const refused = {
      dlq_reason: 'too_large',
      dlq_message: 'm',
      dlq_kafka_topic: 'veh.events.raw',
      dlq_spooled_time: 't',
    };
    const common = { ce_id: 'unit-7:1:2:dead-letter', ce_receivedtime: '2025-11-21T09:00:00.000Z' };
    const own = { dlq_own_ce_id: 'unit-7:1:2', dlq_own_ce_receivedtime: common.ce_receivedtime };
    const letter = readLetter(recordOf({ ...common, ...refused, ...own }), dlq);
    expect(letter).toMatchObject({ reason: 'too_large', receivedAtMs: Date.parse(common.ce_receivedtime) });
    expect(letter?.record).toMatchObject({ kafkaTopic: 'veh.events.raw' });
    expect(letter?.record?.headers.map(([key]) => key)).toEqual(['ce_id', 'ce_receivedtime']);
    const stripped = { ...refused, dlq_kafka_topic: dlq, dlq_dropped_payload_bytes: '7' };
    expect(readLetter(recordOf(stripped), dlq)).toMatchObject({ droppedBytes: 7, record: undefined });
  });

  it('is no record without a reason', () => {
    expect(readLetter(recordOf({ ce_id: 'x' }), dlq)).toBeUndefined();
  });

  it('matches a filter when all of it holds', () => {
    const letter = readLetter(recordOf(headers), dlq);
    if (letter === undefined) throw new Error('no letter');
    const received = letter.receivedAtMs;
    const yes: LetterFilter[] = [
      {},
      { reason: 'invalid_field', device: 'unit-7', subject: 'veh-7' },
      { topic: new TopicPattern('v1/vehicles/{id}/telemetry') },
      { topic: new TopicPattern('v1/vehicles/veh-7/telemetry') },
      { from: received, to: received + 1 },
    ];
    const no: LetterFilter[] = [
      { reason: 'no_route' },
      { device: 'unit-8' },
      { subject: 'veh-8' },
      { topic: new TopicPattern('v1/bays/{id}/events') },
      { from: received + 1 },
      { to: received },
      { reason: 'invalid_field', device: 'unit-8' },
    ];
    expect(yes.map((filter) => matches(letter, filter))).not.toContain(false);
    expect(no.map((filter) => matches(letter, filter))).not.toContain(true);
  });
});

describe('the notes of replays', () => {
  const context = { source: '/gateway', deadLetterTopic: dlq };
  const written = (note: Note): LogRecord => ({
    ...noteRecord(note, 'veh-7', 'id', 5000, context),
    partition: 0,
    offset: 1,
  });

  it('are read as they were written, and are CloudEvents, and no letters', () => {
    const note: Note = { kind: 'outcome', letter: '2:17', attempt: 1, outcome: 'rejected', reason: 'r', message: 'm' };
    expect(readNote(written(note))).toEqual(note);
    expect(readLetter(written(note), dlq)).toBeUndefined();
    const texts = Object.fromEntries(headersOf(written(note).headers).map(([key, value]) => [key, String(value)]));
    expect(Object.keys(texts)).toEqual(expect.arrayContaining(commonAlways));
    const value = written(note).value?.toString() ?? '';
    const message = { key: 'veh-7', value, headers: texts, body: value };
    const event = Kafka.toEvent(message) as CloudEvent;
    expect(event.validate()).toBe(true);
    expect(event).toMatchObject({
      id: `${dlq}:id`,
      type: 'com.mobilitycorp.deadletter.note.v1',
      subject: 'veh-7',
      data: note,
    });
    expect(readNote(recordOf(headers))).toBeUndefined();
  });

  it('say how often a letter was replayed and what became of it at last, in whatever order partitions are read', () => {
    const notes = new Notes();
    notes.add({ kind: 'outcome', letter: '2:17', attempt: 2, outcome: 'accepted' }, 1);
    notes.add({ kind: 'outcome', letter: '2:17', attempt: 1, outcome: 'rejected', reason: 'no_route' }, 2);
    expect(notes.of('2:17')).toMatchObject({ attempts: 2, accepted: true });
    expect(notes.of('2:18')).toMatchObject({ attempts: 0, accepted: false });
  });

  it('say whether a round was begun and not ended', () => {
    const notes = new Notes();
    expect(notes.openRound).toBeUndefined();
    notes.add({ kind: 'round', state: 'open', ends: { t: { 0: 5 } } }, 1);
    expect(notes.openRound).toEqual({ atMs: 1, ends: { t: { 0: 5 } } });
    notes.add({ kind: 'round', state: 'closed', ends: {} }, 2);
    expect(notes.openRound).toBeUndefined();
  });
});

describe('the name of a replayed event', () => {
  it('is its topic, its id and the attempt; what devices sent has none', () => {
    const event = recordOf({ ce_id: 'a:1:2', ce_replayattempt: '3' });
    expect(nameOf('t', event)).toBe(nameOf('t', recordOf({ ce_replayattempt: '3', ce_id: 'a:1:2', other: 'x' })));
    const others = [
      nameOf('u', event),
      nameOf('t', recordOf({ ce_id: 'a:1:3', ce_replayattempt: '3' })),
      nameOf('t', recordOf({ ce_id: 'a:1:2', ce_replayattempt: '4' })),
    ];
    expect(others).not.toContain(nameOf('t', event));
    expect(nameOf('t', recordOf({ ce_id: 'a:1:2' }))).toBeUndefined();
  });
});

describe('a dump', () => {
  it('shows offset, hexadecimal and what is printable', () => {
    expect([...hexDump(Buffer.from('0123456789abcdef\u0001z'))]).toEqual([
      '00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|',
      `00000010  01 7a${' '.repeat(18)}  ${' '.repeat(23)}  |.z|`,
    ]);
  });
});
