import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lane } from '../../../gateway/kafka/lane.ts';
import { advanceSequence } from '../../../gateway/kafka/sequence.ts';
import { BufferPool } from '../../../gateway/record-batch/buffer-pool.ts';
import type { SealedBatch } from '../../../gateway/record-batch/sealed-batch.ts';
import { PartitionLog } from './fake/partition-log.ts';
import { textEncoder } from './recording.ts';

const identity = { producerId: Buffer.alloc(8), epoch: 0 };
const none = { settleRecord: () => undefined };
const noOne = () => undefined;

const newLane = (from = identity, maxRecords = 4) => new Lane('t', 0, from, new BufferPool(64 * 1024, 0), maxRecords);
const append = (lane: Lane, value: string) => lane.append(Buffer.from('k'), 1, 0, textEncoder, value, none, noOne);
const sequenceOf = (batch: SealedBatch) => [batch.bytes.readInt16BE(51), batch.bytes.readInt32BE(53)];

describe('sequence numbers', () => {
  test('begin at zero again after 2^31 − 1', () => {
    const last = 2 ** 31 - 1;
    expect(advanceSequence(last, 1)).toBe(0);
    expect(advanceSequence(last - 5, 10)).toBe(4);
    expect(advanceSequence(4, -10)).toBe(last - 5);
  });

  test('advance as in the broker (`DefaultRecordBatch.incrementSequence`)', () => {
    const sequence = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(sequence, fc.integer({ min: 1, max: 1_000_000 }), (from, records) => {
        const last = 2 ** 31 - 1;
        const expected = from > last - records ? records - (last - from) - 1 : from + records;
        expect(advanceSequence(from, records)).toBe(expected);
        expect(advanceSequence(expected, -records)).toBe(from);
      }),
    );
  });
});

describe('a lane', () => {
  test('seals at its number of records, and sends in the order of the append', () => {
    const lane = newLane();
    for (let i = 0; i < 10; i++) append(lane, `m${i}`);
    const sizes: number[] = [];
    const sequences: number[][] = [];
    while (!lane.isEmpty) {
      const batch = lane.send(noOne);
      sizes.push(batch.records);
      sequences.push(sequenceOf(batch));
      lane.delivered();
    }
    expect(sizes).toEqual([4, 4, 2]);
    expect(sequences).toEqual([
      [0, 0],
      [0, 4],
      [0, 8],
    ]);
  });

  test('sends the same bytes again after a failure', () => {
    const lane = newLane();
    append(lane, 'm0');
    const bytes = Buffer.from(lane.send(noOne).bytes);
    lane.retry(0, true);
    append(lane, 'm1');
    expect(lane.send(noOne).bytes).toEqual(bytes);
    expect(lane.delivered().records).toBe(1);
    expect(sequenceOf(lane.send(noOne))).toEqual([0, 1]);
  });

  test('counts from zero in a new epoch', () => {
    const lane = newLane();
    append(lane, 'm0');
    lane.send(noOne);
    lane.delivered();
    append(lane, 'm1');
    lane.send(noOne);
    lane.retry(0, false);
    lane.startEpoch(true);
    expect(sequenceOf(lane.send(noOne))).toEqual([1, 0]);
    lane.delivered();
    append(lane, 'm2');
    expect(sequenceOf(lane.send(noOne))).toEqual([1, 1]);
  });

  test('waits for another producer id after its last epoch', () => {
    const lane = newLane({ producerId: Buffer.alloc(8), epoch: 0x7fff });
    append(lane, 'm0');
    lane.send(noOne);
    lane.retry(0, false);
    lane.startEpoch(true);
    expect(lane.needsIdentity).toBe(true);
    lane.useIdentity({ producerId: Buffer.alloc(8, 1), epoch: 0 });
    expect(lane.needsIdentity).toBe(false);
    expect(sequenceOf(lane.send(noOne))).toEqual([0, 0]);
  });

  test('keeps the sequence numbers of the records when a batch is halved', () => {
    const lane = newLane();
    for (let i = 0; i < 4; i++) append(lane, `m${i}`);
    lane.send(noOne);
    lane.split([]);
    expect(sequenceOf(lane.send(noOne))).toEqual([0, 0]);
    lane.delivered();
    expect(sequenceOf(lane.send(noOne))).toEqual([0, 2]);
    lane.delivered();
    append(lane, 'm4');
    expect(sequenceOf(lane.send(noOne))).toEqual([0, 4]);
  });

  test('never gives the sequence number of a refused record to another one of the same epoch', () => {
    const lane = newLane();
    for (let i = 0; i < 4; i++) append(lane, `m${i}`);
    lane.send(noOne);
    expect(lane.split([1]).refused.length).toBe(1);
    expect(sequenceOf(lane.send(noOne))).toEqual([1, 0]);
    expect(lane.delivered().records).toBe(3);
  });

  test('counts all parts of a batch that may be stored as possible duplicates', () => {
    const lane = newLane();
    for (let i = 0; i < 4; i++) append(lane, `m${i}`);
    lane.send(noOne);
    lane.retry(0, true);
    expect(lane.queue.possibleDuplicates).toBe(4);
    lane.send(noOne);
    lane.split([]);
    expect(lane.queue.possibleDuplicates).toBe(4);
  });

  test('has its records in the log once and in order, whatever happens to the attempts', () => {
    const steps = fc.array(fc.constantFrom('append', 'store', 'lose_answer', 'lose_request', 'late'), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(steps, (events) => {
        const lane = newLane();
        const log = new PartitionLog(1);
        const lost: Buffer[] = [];
        let appended = 0;
        const attempt = (event: string): void => {
          if (lane.isEmpty) return;
          const { bytes } = lane.send(noOne);
          if (event === 'lose_request') lost.push(Buffer.from(bytes));
          else expect(log.append(bytes).errorCode).toBe(0);
          if (event === 'store') lane.delivered();
          else lane.retry(0, true);
        };
        for (const event of events) {
          if (event === 'append') append(lane, `m${appended++}`);
          else if (event === 'late') lost.splice(0, 1).forEach((bytes) => void log.append(bytes));
          else attempt(event);
        }
        while (!lane.isEmpty) attempt('store');
        for (const bytes of lost) log.append(bytes);
        expect(log.values).toEqual(Array.from({ length: appended }, (_, i) => `m${i}`));
      }),
    );
  });
});
