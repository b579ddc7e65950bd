import { fitted, writeBytes } from '../gateway/core/headers/header-writer.ts';
import { nullValue, type RecordEncoder, type RecordSink } from '../gateway/core/record-sink.ts';
import type { RecordContent } from '../record-log/fingerprint.ts';

export interface CapturedRecord extends RecordContent {
  readonly topic: string;
}

/** Writes a record as it is. */
export const contentEncoder: RecordEncoder<RecordContent> = {
  writeValue: ({ value }, target, offset) =>
    value === null ? nullValue : fitted(writeBytes(value, target, offset), target),
  writeHeaders: ({ headers }, target, offset) => fitted(writeBytes(headers, target, offset), target),
};

/**
 * Keeps what a pipeline writes, instead of sending it: so that it can be compared with what is on Kafka before it is sent,
 * and counted without being sent.
 */
export class CapturedRecords implements RecordSink {
  readonly #scratch: Buffer;
  #records: CapturedRecord[] = [];

  constructor(maxRecordBytes: number) {
    this.#scratch = Buffer.alloc(maxRecordBytes);
  }

  append<Event>(topic: string, key: string, timestampMs: number, encoder: RecordEncoder<Event>, event: Event): boolean {
    const target = this.#scratch;
    const written = encoder.writeValue(event, target, 0);
    if (written < 0 && written !== nullValue) return false;
    const valueEnd = Math.max(0, written);
    const end = encoder.writeHeaders(event, target, valueEnd);
    if (end < 0) return false;
    this.#records.push({
      topic,
      key: key === '' ? null : Buffer.from(key),
      timestampMs,
      value: written === nullValue ? null : Buffer.from(target.subarray(0, valueEnd)),
      headers: Buffer.from(target.subarray(valueEnd, end)),
    });
    return true;
  }

  /** What has been written since the last call. */
  take(): readonly CapturedRecord[] {
    const taken = this.#records;
    this.#records = [];
    return taken;
  }
}
