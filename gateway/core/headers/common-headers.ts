import type { Publish } from '../publish.ts';
import { fixedBytes, writeBytes, writeLength, writeOwnHeader, writeOwnKey, writeText } from './header-writer.ts';
import type { HeaderName } from './record-headers.ts';
import { microsecondsLength, millisecondsLength, TimestampWriter } from './timestamp-writer.ts';

/** Who writes: the same for all records of a gateway. */
export interface RecordOrigin {
  /** CloudEvents source: a URI reference. */
  readonly source: string;
  /** Whose vehicles these are; undefined or empty where there is only one tenant. */
  readonly tenant?: string | undefined;
}

/** What all records of one kind have in common. */
export interface RecordKind {
  /** CloudEvents type. */
  readonly eventType: string;
  /** Media type of the value, when all of them have the same. */
  readonly contentType?: string | undefined;
  /** URI of the schema of the value. */
  readonly dataSchema?: string | undefined;
}

/** What a record came of: a publish, or what of it may be written. */
export type RecordCause = Pick<Publish, 'receivedAtMs' | 'traceparent' | 'correlationId' | 'replayAttempt'>;

/** ce_specversion, ce_type, ce_source, ce_time, ce_receivedtime, ce_subject, ce_partitionkey. */
const headersAlways = 7;

/**
 * The headers that all records share, whatever topic they go to: CloudEvents 1.0 in the binary mode of its Kafka protocol
 * binding, section 3.2. What a record has of its own (its `ce_id` at least) its encoder writes behind them, or between their two parts.
 *
 * `traceparent` is written twice: as the extension attribute `ce_traceparent`, which stays as the device sent it, and
 * under its own name, where tracing libraries look for the last hop and replace it at the next one (Distributed Tracing
 * extension, "Using the Distributed Tracing Extension").
 *
 * `countOf` and the number of its own headers add up to the count at the beginning of the header array. Allocates nothing
 * per record.
 */
export class CommonHeaders {
  readonly #times = new TimestampWriter();
  readonly #receivedTimes = new TimestampWriter();
  readonly #constantCount: number;
  /** From the first header up to the value of ce_time. */
  readonly #beforeTime: Uint8Array;
  /** The key of ce_receivedtime and the length of its value. */
  readonly #beforeReceivedTime: Uint8Array;
  readonly #subjectKey: Uint8Array;
  readonly #partitionKeyKey: Uint8Array;

  constructor({ source, tenant }: RecordOrigin, { eventType, contentType, dataSchema }: RecordKind) {
    const constants: [key: HeaderName, value: string | undefined][] = [
      ['content-type', contentType],
      ['ce_dataschema', dataSchema],
      ['ce_tenant', tenant],
    ];
    const given = constants.filter((constant): constant is [HeaderName, string] => Boolean(constant[1]));
    this.#constantCount = headersAlways + given.length;
    this.#beforeTime = fixedBytes((target) => {
      let at = writeOwnHeader('ce_specversion', '1.0', target, 0);
      at = writeOwnHeader('ce_type', eventType, target, at);
      at = writeOwnHeader('ce_source', source, target, at);
      for (const [key, value] of given) at = writeOwnHeader(key, value, target, at);
      return writeLength(microsecondsLength, target, writeOwnKey('ce_time', target, at));
    });
    this.#beforeReceivedTime = fixedBytes((target) =>
      writeLength(millisecondsLength, target, writeOwnKey('ce_receivedtime', target, 0)),
    );
    this.#subjectKey = fixedBytes((target) => writeOwnKey('ce_subject', target, 0));
    this.#partitionKeyKey = fixedBytes((target) => writeOwnKey('ce_partitionkey', target, 0));
  }

  /** How many headers `write` makes. */
  countOf({ traceparent, correlationId, replayAttempt }: RecordCause): number {
    return this.#constantCount + (traceparent ? 2 : 0) + (correlationId ? 1 : 0) + (replayAttempt > 0 ? 1 : 0);
  }

  /**
   * Writes the headers, without a count before them. Returns the end offset, which may lie past the end of `target`
   * (see `utf8.ts`).
   *
   * @param timeUs value of ce_time, microseconds since the epoch.
   * @param subject id of the vehicle or bay.
   * @param key the record's key.
   */
  write(cause: RecordCause, timeUs: number, subject: string, key: string, target: Uint8Array, offset: number): number {
    return this.writeRare(cause, target, this.writeUsual(cause, timeUs, subject, key, target, offset));
  }

  /** The first part of `write`: what every record has. */
  writeUsual(
    { receivedAtMs }: RecordCause,
    timeUs: number,
    subject: string,
    key: string,
    target: Uint8Array,
    offset: number,
  ): number {
    let at = writeBytes(this.#beforeTime, target, offset);
    at = this.#times.writeMicroseconds(timeUs, target, at);
    at = writeBytes(this.#beforeReceivedTime, target, at);
    at = this.#receivedTimes.writeMilliseconds(receivedAtMs, target, at);
    at = writeText(subject, target, writeBytes(this.#subjectKey, target, at));
    return writeText(key, target, writeBytes(this.#partitionKeyKey, target, at));
  }

  /** Writes other times over those that `writeUsual` wrote at `offset`. */
  rewriteTimes({ receivedAtMs }: RecordCause, timeUs: number, target: Uint8Array, offset: number): void {
    const timeEnd = this.#times.writeMicroseconds(timeUs, target, offset + this.#beforeTime.length);
    this.#receivedTimes.writeMilliseconds(receivedAtMs, target, timeEnd + this.#beforeReceivedTime.length);
  }

  /** The second part of `write`: what only some records have. */
  writeRare({ traceparent, correlationId, replayAttempt }: RecordCause, target: Uint8Array, offset: number): number {
    let at = offset;
    if (traceparent) {
      at = writeOwnHeader('traceparent', traceparent, target, at);
      at = writeOwnHeader('ce_traceparent', traceparent, target, at);
    }
    if (correlationId) at = writeOwnHeader('ce_correlationid', correlationId, target, at);
    if (replayAttempt > 0) at = writeOwnHeader('ce_replayattempt', String(replayAttempt), target, at);
    return at;
  }
}
