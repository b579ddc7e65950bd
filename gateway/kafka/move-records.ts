import type { Settleable } from '../core/publish.ts';
import { RecordCursor, recordCopier } from '../record-batch/record-cursor.ts';
import type { SealedBatch } from '../record-batch/sealed-batch.ts';
import type { Lane } from './lane.ts';

type OnSealed = (lane: Lane, batch: SealedBatch) => void;

/** What was moved. */
export interface Moved {
  readonly records: number;
  /** By how much those of them that count as pressure take more bytes (or fewer) than before. */
  readonly resizedBytes: number;
}

/**
 * Encodes the records of batches that lanes gave away anew, one after another, into the open batches of other lanes.
 *
 * @param laneFor the lane for the record that the cursor is at.
 */
export function moveRecords(
  batches: readonly SealedBatch[],
  laneFor: (cursor: RecordCursor) => Lane,
  onSealed: OnSealed,
): Moved {
  let records = 0;
  let resizedBytes = 0;
  for (const batch of batches) {
    let bytes = 0;
    const cursor = new RecordCursor(batch.bytes);
    while (cursor.next()) bytes += moveRecord(cursor, batch, laneFor(cursor), onSealed);
    records += batch.records;
    if (!batch.handedOver) resizedBytes += bytes - batch.rawBytes;
  }
  return { records, resizedBytes };
}

/** Returns its bytes. @throws {RangeError} when it does not fit, though it did before: a defect. */
function moveRecord(cursor: RecordCursor, from: SealedBatch, lane: Lane, onSealed: OnSealed): number {
  const { open } = lane;
  if (open.records > 0 && open.handedOver !== from.handedOver) lane.seal(onSealed);
  const opensAtMs = open.records > 0 ? open.openedAtMs : from.openedAtMs;
  const { source, keyAt, keyLength, timestampMs, index } = cursor;
  const key = source.subarray(keyAt, keyAt + Math.max(0, keyLength));
  const settleable = from.settleables[index] as Settleable;
  const bytes = lane.append(key, keyLength, timestampMs, recordCopier, cursor, settleable, onSealed);
  if (bytes < 0) throw new RangeError(`a record of ${lane.topic} does not fit into a batch any more`);
  // The age of a batch is that of its oldest record, wherever that came from.
  open.openedAtMs = open.records === 1 ? from.openedAtMs : Math.min(opensAtMs, from.openedAtMs);
  open.handedOver = from.handedOver;
  return bytes;
}
