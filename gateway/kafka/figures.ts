import type { Account } from '../core/account.ts';
import type { Watermarks } from '../core/watermarks.ts';
import type { BufferPool } from '../record-batch/buffer-pool.ts';
import type { TopicSet } from './topic-set.ts';

/** Figures of a producer for metrics. */
export interface ProducerStats {
  readonly unsettledRecords: number;
  /** Encoded bytes of the unsettled records, before compression. */
  readonly unsettledBytes: number;
  /** Bytes of the buffers of open batches, and of those kept for reuse. */
  readonly bufferBytes: number;
  readonly lanes: number;
  /** Lanes whose first batch has failed and is to be sent again. */
  readonly failingLanes: number;
  /** Records that somebody else answers for by now (`handOver`); not among the unsettled ones. */
  readonly handedOverRecords: number;
  /** Age of the oldest unsettled record, handed over ones aside; 0 when there is none. */
  readonly oldestUnsettledMs: number;
}

/** What a producer has counted, and where its records lie. */
export interface Holdings {
  readonly topics: TopicSet;
  readonly watermarks: Watermarks;
  readonly pool: BufferPool;
  readonly appended: number;
  readonly told: number;
  readonly handedOver: number;
  /** Records that came after the end and are about to be settled. */
  readonly late: number;
}

export function statsOf({ topics, watermarks, pool, handedOver }: Holdings): ProducerStats {
  const lanes = [...topics.lanes()];
  const now = performance.now();
  return {
    unsettledRecords: watermarks.records,
    unsettledBytes: watermarks.bytes,
    bufferBytes: pool.heldBytes,
    lanes: topics.partitions,
    failingLanes: lanes.filter((lane) => lane.failures > 0).length,
    handedOverRecords: handedOver,
    oldestUnsettledMs: lanes.reduce((oldest, lane) => Math.max(oldest, now - (lane.oldestMs ?? now)), 0),
  };
}

/** Records that wait for an outcome, counted where they lie. */
export function heldRecordsOf({ topics, late }: Pick<Holdings, 'topics' | 'late'>): number {
  return [...topics.lanes()].reduce((sum, lane) => sum + lane.count().records, late);
}

/** What lies in the lanes, against what was appended and told, and against what the watermarks believe. */
export function accountsOf(holdings: Holdings): Account[] {
  const { topics, watermarks, appended, told, handedOver, late } = holdings;
  const unsettledBytes = [...topics.lanes()].reduce((sum, lane) => sum + lane.count().unsettledBytes, 0);
  const held = heldRecordsOf(holdings);
  return [
    { name: 'records', came: appended, went: told, held },
    { name: 'watermark_records', came: watermarks.records + handedOver + late, went: 0, held },
    { name: 'watermark_bytes', came: watermarks.bytes, went: 0, held: unsettledBytes },
  ];
}
