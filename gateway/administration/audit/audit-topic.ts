import { CommonHeaders, type RecordOrigin } from '../../core/headers/common-headers.ts';
import { fitted, writeLength, writeOwnHeader } from '../../core/headers/header-writer.ts';
import { writeUtf8 } from '../../core/headers/utf8.ts';
import { isDurable, type Outcome } from '../../core/outcome.ts';
import type { Settleable } from '../../core/publish.ts';
import type { RecordEncoder, RecordSink } from '../../core/record-sink.ts';
import type { ChainedRecord } from './audit-record.ts';

/** CloudEvents type of audit records. */
export const auditEventType = 'com.mobilitycorp.gateway.audit.v1';

/** Writes an audit record: its value is the line of the file, to the byte. */
export class AuditRecordEncoder implements RecordEncoder<ChainedRecord> {
  readonly #headers: CommonHeaders;

  constructor(origin: RecordOrigin) {
    this.#headers = new CommonHeaders(origin, { eventType: auditEventType, contentType: 'application/json' });
  }

  writeValue({ line }: ChainedRecord, target: Uint8Array, offset: number): number {
    return offset + line.length > target.length ? -1 : fitted(writeUtf8(line, target, offset), target);
  }

  writeHeaders({ chain, seq, timeMs, target: subject }: ChainedRecord, target: Uint8Array, offset: number): number {
    const cause = { receivedAtMs: timeMs, traceparent: undefined, correlationId: undefined, replayAttempt: 0 };
    let at = writeLength(this.#headers.countOf(cause) + 1, target, offset);
    at = this.#headers.write(cause, timeMs * 1000, subject || chain, chain, target, at);
    return fitted(writeOwnHeader('ce_id', `${chain}:${seq}`, target, at), target);
  }
}

export interface AuditTopicOptions extends RecordOrigin {
  readonly topic: string;
  /** Told once of each record: whether it is on Kafka, or will never be. */
  readonly settled: (isWritten: boolean) => void;
}

/** Records that may wait for Kafka, and the characters of their lines. */
const mostWaiting = 5000;
const mostWaitingCharacters = 4_194_304;

/**
 * Copies audit records to a Kafka topic, keyed by their chain, so that they stay in order. Nobody waits for it: the file
 * has them in any case, and what did not get to Kafka is counted. Records given to it = written + lost + waiting.
 */
export class AuditTopic {
  readonly #options: AuditTopicOptions;
  readonly #encoder: AuditRecordEncoder;
  #sink: RecordSink | undefined;
  /** Those that came before there was a way to Kafka. */
  readonly #early: ChainedRecord[] = [];
  #waiting = 0;
  #waitingCharacters = 0;
  #isClosed = false;

  constructor(options: AuditTopicOptions) {
    this.#options = options;
    this.#encoder = new AuditRecordEncoder(options);
  }

  /** Records that Kafka has not taken yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** When as much waits as may, the record is lost: those that wait are the older ones, and go first. */
  send(record: ChainedRecord): void {
    const { length } = record.line;
    const isFull = this.#waiting >= mostWaiting || this.#waitingCharacters + length > mostWaitingCharacters;
    if (this.#isClosed || isFull) {
      this.#options.settled(false);
      return;
    }
    this.#waiting += 1;
    this.#waitingCharacters += length;
    if (this.#sink === undefined) this.#early.push(record);
    else this.#append(this.#sink, record);
  }

  /** There is a way to Kafka from now on: those that wait for it go first. */
  attach(sink: RecordSink): void {
    this.#sink = sink;
    for (const record of this.#early.splice(0)) this.#append(sink, record);
  }

  /** What has found no way to Kafka is lost, and so is what comes from now on. The sink is its owner's to close. */
  close(): void {
    this.#isClosed = true;
    for (const record of this.#early.splice(0)) this.#end(record, undefined);
  }

  #append(sink: RecordSink, record: ChainedRecord): void {
    const settleable: Settleable = { settleRecord: (outcome) => this.#end(record, outcome) };
    if (!this.#isAppended(sink, record, settleable)) this.#end(record, undefined);
  }

  #isAppended(sink: RecordSink, record: ChainedRecord, settleable: Settleable): boolean {
    const { topic } = this.#options;
    try {
      return sink.append(topic, record.chain, record.timeMs, this.#encoder, record, settleable);
    } catch {
      // Nothing was written, and the change that the record is about must not fail for it.
      return false;
    }
  }

  #end({ line }: ChainedRecord, outcome: Outcome | undefined): void {
    this.#waiting -= 1;
    this.#waitingCharacters -= line.length;
    this.#options.settled(outcome !== undefined && isDurable(outcome));
  }
}
