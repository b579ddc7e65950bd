import { describeFailure } from '../gateway/kafka/error-classes.ts';
import { RecordLogError } from './errors.ts';
import type { BatchInRange } from './log-reader.ts';
import { DamagedBatch, type LogRecord, recordsOf } from './record-batch.ts';

/** The records of a batch that lie in the range. @throws {RecordLogError} `unreadable_batch` */
export function* recordsIn(topic: string, { partition, batch, range }: BatchInRange): Generator<LogRecord> {
  try {
    for (const record of recordsOf(partition, batch)) {
      if (record.offset >= range.from && record.offset < range.end) yield record;
    }
  } catch (error) {
    if (!(error instanceof DamagedBatch)) throw error;
    const message = `${topic}/${partition}: the batch at offset ${batch.firstOffset} cannot be read: ${describeFailure(error)}`;
    throw new RecordLogError('unreadable_batch', message, error);
  }
}
