import type { Settleable } from './publish.ts';

/**
 * Writes one record's value and headers into bytes that it is handed (a lane's open batch). Pure; allocates nothing
 * that outlives the call.
 */
export interface RecordEncoder<Event> {
  /**
   * Writes the record's value from `offset`. Returns the end offset, `nullValue` for a record without a value, or another
   * negative number when it does not fit.
   */
  writeValue(event: Event, target: Uint8Array, offset: number): number;
  /**
   * Writes the record's header array as in Kafka's record format v2 (zigzag varint count, then for each: varint length,
   * key, varint length, value). Returns the end offset, or a negative number when it does not fit.
   */
  writeHeaders(event: Event, target: Uint8Array, offset: number): number;
}

/** What `writeValue` returns for a record whose value is null (a tombstone), which an empty one is not. */
export const nullValue = -2;

/** Timestamp of a record without one (Kafka's NO_TIMESTAMP): a topic's limits on timestamps do not apply to it. */
export const undated = -1;

/** Where records go: the producer's lanes. Never refuses for fullness; whoever reads sockets watches the pressure. */
export interface RecordSink {
  /**
   * Encodes one record into the open batch of its key's partition.
   *
   * @param topic Kafka topic; one of those that the sink was started with.
   * @param key record key, UTF-8; decides the partition (murmur2, as in the Java client). Empty: no key, any partition.
   * @param timestampMs record timestamp, milliseconds since the epoch, or `undated`.
   * @param settleable told the outcome exactly once, if and only if this returns true. Nobody is told an outcome during the
   * call, so that the caller can take back what it has derived for a record that is refused.
   * @returns false when the record alone is larger than a batch may be: nothing was written.
   * @throws what the encoder throws, and for want of memory; nothing was written then, either.
   */
  append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean;
}

/** A sealed batch whose records its holder has not settled yet. */
export interface HeldBatch {
  readonly topic: string;
  /** A record batch of Kafka's message format v2. Valid during the call only; copy what is to be kept. */
  readonly bytes: Uint8Array;
  /** Uncompressed size of its records, in bytes. */
  readonly rawBytes: number;
  /** One for each record, in their order. */
  readonly settleables: readonly Settleable[];
}

/** A sink that can be relieved of its promises: the producer, when Kafka is away for too long. */
export interface RecordHolder {
  /**
   * Shows every unsettled batch, the records of each key in their order, and from now on reports each record's outcome to
   * the settleable that `take` returned for it instead of the first one. The records stay where they are, and are
   * delivered as before; they no longer count towards the pressure.
   *
   * @param take must return as many settleables as the batch has records; not called again for a batch handed over
   * before.
   */
  handOver(take: (batch: HeldBatch) => readonly Settleable[]): void;
  /** Records handed over and not settled yet. */
  readonly handedOver: number;
}

/**
 * How full the gateway is, over everything unsettled (rule 8 of the delivery rules).
 * 0: read everything. 1, above the soft watermark: a connection with unsettled publishes is not read further.
 * 2, above the hard watermark: no socket is read.
 */
export type Pressure = 0 | 1 | 2;
