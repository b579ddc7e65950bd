import { describe, expect, it } from 'vitest';
import { asWritten, type ReceivedRecord } from '../../../decoder/decrypt-record.ts';
import { DeadLetter } from '../../../gateway/core/dead-letter.ts';
import { DeadLetterEncoder } from '../../../gateway/core/dead-letter-encoder.ts';
import { writeLength, writeRawHeader } from '../../../gateway/core/headers/header-writer.ts';
import type { RecordEncoder, RecordSink } from '../../../gateway/core/record-sink.ts';
import { BacklogSealingSink } from '../../../gateway/encryption/backlog-sealing-sink.ts';
import { SealingSink } from '../../../gateway/encryption/sealing-sink.ts';
import { headersOf } from '../../../gateway/record-batch/header-array.ts';
import { waitFor } from '../../support/wait-for.ts';
import { pipeline, receivedAtMs, run, TestPublish, telemetry } from '../core/fixture.ts';
import { open, TestKeys } from '../encryption/support.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { type Appended, assemble, FakeTarget, limits, settingsFor, TestDirectory } from './support.ts';

const topic = 'veh.events.raw';
const keys = new TestKeys('k1');
const topics = new Set([topic, 'dlq']);
const maxRecordBytes = limits.maxBatchBytes;
const plainValueOf = (sequence: number) => run({ payload: telemetry({ sequence }) }).records[0]?.value;
const publish = (sink: RecordSink, from: number, to: number) => {
  for (let sequence = from; sequence < to; sequence++)
    pipeline.run(new TestPublish({ payload: telemetry({ sequence }) }), sink);
};
const sealed = (target: RecordSink) => new SealingSink({ target, keys, topics, maxRecordBytes });

/** Spools what `append` appends, by a process of its own. */
async function spooled(directory: string, append: (sink: RecordSink) => void): Promise<void> {
  const { sink, spool, close } = await assemble(settingsFor(directory));
  append(sink);
  await waitFor(() => spool.waitingRecords === 0, { deadlineMs: 10_000, everyMs: 2, what: 'durable records' });
  await close();
}

/** What a process with encryption makes of the spool: what Kafka gets, and the topics of records that it sealed late. */
async function replayed(directory: string, target = new FakeTarget()) {
  const sealedLate: string[] = [];
  const { spool, recording, close } = await assemble(settingsFor(directory), target, {
    sealing: (to) =>
      new BacklogSealingSink({
        target: to,
        keys,
        topics,
        deadLetterTopic: 'dlq',
        maxRecordBytes,
        sealedLate: (of) => sealedLate.push(of),
      }),
  });
  await waitFor(() => spool.depth().records === 0, { deadlineMs: 10_000, everyMs: 2, what: 'the replay' });
  await close();
  return { log: target.log, sealedLate, recording };
}

const received = ({ topic: to, key, bytes, headers }: Appended): ReceivedRecord => ({
  topic: to,
  key: key === '' ? null : Buffer.from(key),
  value: bytes,
  headers: headersOf(Buffer.from(headers, 'latin1')),
});
const opened = (record: Appended) => open(asWritten(received(record)), keys.find);
const header = (record: Appended, name: string) =>
  received(record)
    .headers.find(([key]) => key === name)?.[1]
    ?.toString();

describe('a backlog that is plain when its topic is encrypted', () => {
  it('is encrypted on its way, in order, and counted; what was encrypted before passes as it is', async () => {
    await using directory = await TestDirectory.make();
    await spooled(directory.path, (sink) => {
      publish(sink, 0, 5);
      sink.append('others', 'k', 1, textEncoder, 'plain', new Settlements().of('plain'));
    });
    await spooled(directory.path, (sink) => publish(sealed(sink), 5, 10));
    const { log, sealedLate } = await replayed(directory.path);
    const events = log.filter((record) => record.topic === topic);
    expect(events.map(opened)).toEqual(Array.from({ length: 10 }, (_, sequence) => plainValueOf(sequence)));
    expect(sealedLate).toEqual(Array.from({ length: 5 }, () => topic));
    const salts = events.map((record) => header(record, 'enc_salt'));
    expect(new Set(salts.slice(0, 5)).size).toBe(1);
    expect(new Set(salts).size).toBe(2);
    expect(log.filter((record) => record.topic === 'others').map(({ value }) => value)).toEqual(['plain']);
  });

  it.each(['dlq_kafka_topic', 'dlq_own_enc_algorithm'])(
    'is encrypted and counted also where it says by %s to be a letter, which belongs to no other topic',
    async (name) => {
      const disguised: RecordEncoder<string> = {
        ...textEncoder,
        writeHeaders: (_event, target, offset) =>
          writeRawHeader(name, Buffer.from('x'), target, writeLength(1, target, offset)),
      };
      await using directory = await TestDirectory.make();
      await spooled(directory.path, (sink) => {
        sink.append(topic, 'k', 1, disguised, 'slipped in', new Settlements().of('slipped in'));
      });
      const { log, sealedLate } = await replayed(directory.path);
      expect(sealedLate).toEqual([topic]);
      expect(log.map((record) => header(record, 'enc_algorithm'))).toEqual([expect.any(String)]);
    },
  );

  it('becomes encrypted letters where Kafka refuses it, and a letter of what is encrypted is not encrypted twice', async () => {
    await using directory = await TestDirectory.make();
    await spooled(directory.path, (sink) => {
      publish(sink, 0, 2);
      sink.append('others', 'k', 1, textEncoder, 'of a route that is not encrypted', new Settlements().of('other'));
    });
    await spooled(directory.path, (sink) => publish(sealed(sink), 2, 4));
    const target = new FakeTarget();
    target.refusesDates = true;
    const { log } = await replayed(directory.path, target);
    expect(new Set(log.map((record) => record.topic))).toEqual(new Set(['dlq']));
    const ofRoute = (to: string) => log.filter((record) => header(record, 'dlq_kafka_topic') === to);
    expect(ofRoute(topic).map(opened)).toEqual([0, 1, 2, 3].map(plainValueOf));
    expect(ofRoute(topic).map((record) => header(record, 'enc_algorithm') !== undefined)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const [other] = ofRoute('others') as [Appended];
    expect(opened(other)).toEqual(Buffer.from('of a route that is not encrypted'));
    expect(header(other, 'dlq_message')).toBe('INVALID_RECORD');
    for (const { bytes } of log) expect(bytes.includes('of a route')).toBe(false);
  });

  it('of letters is encrypted, and they quote their payload no more', async () => {
    await using directory = await TestDirectory.make();
    const rejection = { reason: 'invalid_field', detail: 'position.latitudeDeg 91.25 is not from -90 to 90' } as const;
    const payload = Buffer.from('raw bytes');
    const letter = new DeadLetter(new TestPublish({ payload }), rejection, 'whole', { letterSettled: () => undefined });
    await spooled(directory.path, (sink) => {
      sink.append('dlq', letter.key, receivedAtMs, new DeadLetterEncoder({ source: '/gateway' }), letter, letter);
    });
    const { log, sealedLate } = await replayed(directory.path);
    const [written] = log as [Appended];
    expect(written.headers).not.toContain('91.25');
    expect(header(written, 'dlq_message')).toBe('withheld, as the payload is encrypted');
    expect(header(written, 'dlq_reason')).toBe('invalid_field');
    expect(opened(written)).toEqual(payload);
    expect(sealedLate).toEqual(['dlq']);
  });

  it('of letters is counted once, also where Kafka takes them only without their date', async () => {
    await using directory = await TestDirectory.make();
    const rejection = { reason: 'invalid_field', detail: 'latitude 91' } as const;
    const letter = new DeadLetter(new TestPublish({ payload: Buffer.from('raw') }), rejection, 'whole', {
      letterSettled: () => undefined,
    });
    await spooled(directory.path, (sink) => {
      sink.append('dlq', letter.key, receivedAtMs, new DeadLetterEncoder({ source: '/gateway' }), letter, letter);
    });
    const target = new FakeTarget();
    target.refusesDates = true;
    const { log, sealedLate } = await replayed(directory.path, target);
    expect(log.map((record) => opened(record))).toEqual([Buffer.from('raw')]);
    expect(header(log[0] as Appended, 'dlq_message')).toBe('withheld, as the payload is encrypted');
    expect(sealedLate).toEqual(['dlq']);
  });

  it('of letters of what Kafka has refused is counted, and they keep what Kafka said', async () => {
    const ofKafka: RecordEncoder<string> = {
      ...textEncoder,
      writeHeaders: (_event, target, offset) => {
        const at = writeRawHeader('dlq_message', Buffer.from('INVALID_RECORD'), target, writeLength(2, target, offset));
        return writeRawHeader('dlq_kafka_topic', Buffer.from(topic), target, at);
      },
    };
    await using directory = await TestDirectory.make();
    await spooled(directory.path, (sink) => {
      sink.append('dlq', 'k', 1, ofKafka, 'refused', new Settlements().of('refused'));
    });
    const { log, sealedLate } = await replayed(directory.path);
    expect(sealedLate).toEqual(['dlq']);
    expect(header(log[0] as Appended, 'dlq_message')).toBe('INVALID_RECORD');
    expect(opened(log[0] as Appended)).toEqual(Buffer.from('refused'));
  });

  it('becomes a letter with its reason alone where it does not fit any more with its tag', async () => {
    await using directory = await TestDirectory.make();
    const largest = 'x'.repeat(limits.maxBatchBytes - 100);
    await spooled(directory.path, (sink) => {
      const isTaken = sink.append(topic, 'k', 1, textEncoder, largest, new Settlements().of('largest'));
      expect(isTaken).toBe(true);
    });
    const { log, recording } = await replayed(directory.path);
    const [letter] = log as [Appended];
    expect(letter.topic).toBe('dlq');
    expect(header(letter, 'dlq_reason')).toBe('too_large');
    expect(header(letter, 'dlq_dropped_payload_bytes')).toBe(String(largest.length));
    expect(opened(letter)).toEqual(Buffer.alloc(0));
    expect(recording.of('batchSettled')).toMatchObject([[{ deadLettered: 1, delivered: 0 }]]);
  });
});
