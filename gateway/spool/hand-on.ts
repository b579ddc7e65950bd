import { type Outcome, rejected } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { RecordSink } from '../core/record-sink.ts';
import { RecordCursor, recordCopier } from '../record-batch/record-cursor.ts';
import { keyOf } from './refused-record.ts';

const tooLarge: Outcome = rejected({ reason: 'too_large', detail: 'the record is larger than a batch may be' });

/**
 * Appends the records of a batch to `target`, in their order, as they were encoded.
 *
 * @param settleableOf who is told the outcome of the record at this position.
 */
export function handOn(
  topic: string,
  batch: Buffer,
  target: RecordSink,
  settleableOf: (index: number) => Settleable,
): void {
  const record = new RecordCursor(batch);
  while (record.next()) {
    const settleable = settleableOf(record.index);
    const isTaken = target.append(topic, keyOf(record), record.timestampMs, recordCopier, record, settleable);
    // Only when batches have been made smaller since it was spooled.
    if (!isTaken) settleable.settleRecord(tooLarge);
  }
}
