import { describe, expect, it } from 'vitest';
import { type ChainedRecord, chained, noHash } from '../../../../gateway/administration/audit/audit-record.ts';
import { AuditRecordEncoder, AuditTopic } from '../../../../gateway/administration/audit/audit-topic.ts';
import { delivered, unanswered } from '../../../../gateway/core/outcome.ts';
import type { Settleable } from '../../../../gateway/core/publish.ts';
import type { RecordSink } from '../../../../gateway/core/record-sink.ts';
import { headersOf } from '../../../../gateway/record-batch/header-array.ts';

const timeMs = 1_700_000_000_000;
const record = chained(
  {
    requestId: 'r',
    actor: undefined,
    remoteAddress: '127.0.0.1',
    action: 'device.create',
    target: 'dév-1',
    outcome: 'attempted',
  },
  { chain: 'chain-1', seq: 7, prev: noHash },
  timeMs,
);

class Sink implements RecordSink {
  readonly appended: { topic: string; key: string; seq: number; settleable: Settleable }[] = [];
  takes = true;

  append(topic: string, key: string, _timeMs: number, _encoder: unknown, event: unknown, settleable: Settleable) {
    if (this.takes) this.appended.push({ topic, key, seq: (event as ChainedRecord).seq, settleable });
    return this.takes;
  }
}

describe('an audit record for Kafka', () => {
  it('is the line of the file, with the attributes of CloudEvents', () => {
    const encoder = new AuditRecordEncoder({ source: '/gateway', tenant: 'acme' });
    const target = new Uint8Array(4096);
    const end = encoder.writeValue(record, target, 3);
    expect(Buffer.from(target.subarray(3, end)).toString()).toBe(record.line);
    const headersEnd = encoder.writeHeaders(record, target, 0);
    const headers = Object.fromEntries(
      [...headersOf(Buffer.from(target.subarray(0, headersEnd)))].map(([name, value]) => [name, String(value)]),
    );
    expect(headers).toMatchObject({
      ce_specversion: '1.0',
      ce_id: 'chain-1:7',
      ce_type: 'com.mobilitycorp.gateway.audit.v1',
      ce_source: '/gateway',
      ce_tenant: 'acme',
      ce_subject: 'dév-1',
      ce_partitionkey: 'chain-1',
      ce_time: '2023-11-14T22:13:20.000000Z',
      'content-type': 'application/json',
    });
  });

  it('says when it does not fit', () => {
    const encoder = new AuditRecordEncoder({ source: '/gateway' });
    for (const size of [0, 10, record.line.length]) {
      expect(encoder.writeValue(record, new Uint8Array(size), 0)).toBeLessThan(0);
    }
    expect(encoder.writeHeaders(record, new Uint8Array(40), 0)).toBeLessThan(0);
  });

  it('is keyed by its chain; what does not get there is counted', () => {
    const sink = new Sink();
    const { topic, settled } = newTopic();
    topic.attach(sink);
    topic.send(record);
    topic.send(record);
    expect(sink.appended).toMatchObject([
      { topic: 'audit', key: 'chain-1' },
      { topic: 'audit', key: 'chain-1' },
    ]);
    expect(topic.waiting).toBe(2);
    sink.appended[0]?.settleable.settleRecord(delivered);
    sink.appended[1]?.settleable.settleRecord(unanswered);
    expect(topic.waiting).toBe(0);
    sink.takes = false;
    topic.send(record);
    topic.attach({
      append: () => {
        throw new Error('out of memory');
      },
    });
    topic.send(record);
    expect(settled).toEqual([true, false, false, false]);
    expect(topic.waiting).toBe(0);
  });

  it('waits for a way to Kafka, in order, and is lost when there is none by the end', () => {
    const sink = new Sink();
    const { topic, settled } = newTopic();
    for (const seq of [1, 2]) topic.send(numbered(seq));
    expect([topic.waiting, settled]).toEqual([2, []]);
    topic.attach(sink);
    topic.send(numbered(3));
    expect(sink.appended.map(({ seq }) => seq)).toEqual([1, 2, 3]);

    const other = newTopic();
    for (const seq of [1, 2]) other.topic.send(numbered(seq));
    other.topic.close();
    other.topic.send(numbered(3));
    expect([other.topic.waiting, other.settled]).toEqual([0, [false, false, false]]);
  });

  it('is lost when too many, or too long ones, wait already; there is room again when Kafka has taken some', () => {
    const sink = new Sink();
    const many = newTopic();
    many.topic.attach(sink);
    for (let seq = 1; seq <= 5002; seq++) many.topic.send(numbered(seq));
    expect([many.topic.waiting, many.settled]).toEqual([5000, [false, false]]);
    sink.appended[0]?.settleable.settleRecord(delivered);
    many.topic.send(numbered(5003));
    expect([many.topic.waiting, many.settled]).toEqual([5000, [false, false, true]]);
    expect(sink.appended.at(-1)?.seq).toBe(5003);

    const long = newTopic();
    const line = 'x'.repeat(1_000_000);
    for (let seq = 1; seq <= 5; seq++) long.topic.send({ ...numbered(seq), line });
    expect([long.topic.waiting, long.settled]).toEqual([4, [false]]);
  });
});

const numbered = (seq: number): ChainedRecord => ({ ...record, seq });

function newTopic() {
  const settled: boolean[] = [];
  const settle = (isWritten: boolean) => void settled.push(isWritten);
  return { topic: new AuditTopic({ topic: 'audit', source: '/gateway', settled: settle }), settled };
}
