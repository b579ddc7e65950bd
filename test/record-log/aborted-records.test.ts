import { describe, expect, it } from 'vitest';
import { AbortedRecords } from '../../record-log/aborted-records.ts';
import type { RecordBatch } from '../../record-log/record-batch.ts';

/** An end-of-transaction marker: its one record has version and type (0: abort) as key. */
const marker = (type: 0 | 1): Buffer => Buffer.from([22, 0, 0, 0, 8, 0, 0, 0, type, 1, 0, 0]);

const batch = (offset: number, producerId: bigint, overrides: Partial<RecordBatch> = {}): RecordBatch => ({
  firstOffset: offset,
  lastOffset: offset,
  maxTimestampMs: 1,
  baseTimestampMs: 1,
  hasAppendTime: false,
  isTransactional: true,
  isControl: false,
  producerId,
  count: 1,
  compression: 0,
  body: Buffer.alloc(0),
  ...overrides,
});

const end = (offset: number, producerId: bigint, type: 0 | 1) =>
  batch(offset, producerId, { isControl: true, body: marker(type) });

describe('records of aborted transactions', () => {
  it('are hidden from where the transaction began to its marker, those of others are not', () => {
    const aborted = new AbortedRecords();
    aborted.announce([{ producerId: 1n, firstOffset: 2 }]);
    const log = [
      batch(0, 1n),
      end(1, 1n, 1),
      batch(2, 1n),
      batch(3, 2n),
      batch(4, -1n, { isTransactional: false }),
      batch(5, 1n),
      end(6, 1n, 0),
      batch(7, 1n),
      end(8, 1n, 1),
    ];
    expect(log.map((each) => aborted.hides(each))).toEqual([false, true, true, false, false, true, true, false, true]);
  });

  it('are hidden once, however often the transaction is announced', () => {
    const aborted = new AbortedRecords();
    for (let fetch = 0; fetch < 3; fetch++) aborted.announce([{ producerId: 1n, firstOffset: 0 }]);
    expect([batch(0, 1n), end(1, 1n, 0), batch(2, 1n)].map((each) => aborted.hides(each))).toEqual([true, true, false]);
  });
});
