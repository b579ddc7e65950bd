import { type CloudEvent, Kafka } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { readLetter } from '../../../dead-letters/letter.ts';
import { headerArray } from '../../../dead-letters/notes.ts';
import type { Rejection } from '../../../gateway/core/outcome.ts';
import type { RecordSink } from '../../../gateway/core/record-sink.ts';
import { BufferPool } from '../../../gateway/record-batch/buffer-pool.ts';
import { OpenBatch } from '../../../gateway/record-batch/open-batch.ts';
import { RecordCursor } from '../../../gateway/record-batch/record-cursor.ts';
import type { Frame } from '../../../gateway/spool/frame.ts';
import { RefusedRecordEncoder } from '../../../gateway/spool/refused-record.ts';
import { pipeline, receivedAtMs, run, TestPublish, TestSink, telemetry, type WrittenRecord } from '../core/fixture.ts';

const rejection: Rejection = { reason: 'refused_by_kafka', detail: 'INVALID_RECORD' };
const spooledAtMs = receivedAtMs + 60_000;
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01';
const publish = { payload: telemetry(), traceparent, correlationId: 'c-1' };

/** A vehicle report as it lies in the spool. */
function spooled(): RecordCursor {
  const batch = new OpenBatch(new BufferPool(64 * 1024, 0));
  const sink: RecordSink = {
    append: (_topic, key, timestampMs, encoder, event, settleable) => {
      const bytes = Buffer.from(key);
      return batch.append(bytes, bytes.length, timestampMs, encoder, event, settleable) >= 0;
    },
  };
  pipeline.run(new TestPublish(publish), sink);
  const record = new RecordCursor(batch.seal().bytes as Buffer);
  record.next();
  return record;
}

function letterOf(record: RecordCursor, whole: boolean): WrittenRecord {
  const sink = new TestSink();
  const frame = { number: 5, topic: 'veh.events.raw', spooledAtMs } as Frame;
  const encoder = new RefusedRecordEncoder({ source: '/gateway', tenant: 'north' });
  const refused = { record, frame, rejection, whole };
  sink.append('dlq', 'veh-7', record.timestampMs, encoder, refused, { settleRecord: () => undefined });
  return sink.records[0] as WrittenRecord;
}

function eventOf({ key, value, headers }: WrittenRecord): CloudEvent<unknown> {
  const message = { key, value, headers: { ...headers }, body: value };
  const event = Kafka.toEvent<unknown>(message) as CloudEvent<unknown>;
  expect(event.validate()).toBe(true);
  return event;
}

describe('the dead letter of a record that was in the spool', () => {
  const [first] = run(publish).records;
  const original = first as WrittenRecord;

  it.each([true, false])('is an event of its own to a CloudEvents SDK, with its value: %s', (whole) => {
    const event = eventOf(letterOf(spooled(), whole));
    expect(event).toMatchObject({
      id: 'unit-7:4000000000:42:dead-letter',
      type: 'com.mobilitycorp.deadletter.v1',
      source: '/gateway',
      tenant: 'north',
      subject: 'veh-7',
      partitionkey: 'veh-7',
      time: '2025-11-21T09:22:31.622Z',
      receivedtime: '2025-11-21T09:22:33.123Z',
      datacontenttype: 'application/octet-stream',
      traceparent,
      correlationid: 'c-1',
    });
    expect(event.dataschema).toBeUndefined();
    expect(event).not.toHaveProperty('sequence');
  });

  it('holds the record, whose headers are told from its own', () => {
    const { value, headers } = letterOf(spooled(), true);
    expect(value).toEqual(original.value);
    expect(headers).toMatchObject({ dlq_kafka_topic: 'veh.events.raw', dlq_own_ce_id: original.headers.ce_id });
    const bytes = headerArray(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
    const position = { partition: 0, offset: 0, timestampMs: 0, key: Buffer.from('veh-7') };
    const letter = readLetter({ ...position, value, headers: bytes }, 'dlq');
    const own = letter?.record?.headers.map(([name, text]) => [name, String(text)]) ?? [];
    expect(Object.fromEntries(own)).toEqual(original.headers);
  });

  it('says how much is missing when it is only the reason', () => {
    const { value, headers } = letterOf(spooled(), false);
    expect(value).toHaveLength(0);
    expect(headers).toMatchObject({
      dlq_dropped_payload_bytes: String(original.value.length),
      dlq_reason: rejection.reason,
    });
  });
});
