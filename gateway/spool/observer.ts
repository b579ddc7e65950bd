import type { DamagedRange } from './survey.ts';

/** Where new records go: to Kafka; to the spool while Kafka is away; to the spool behind what is being replayed. */
export type SpoolState = 'direct' | 'spooling' | 'replaying';

/** Why nothing more is taken. */
export type SpoolBlock = 'failing' | 'full';

export interface SpoolOpened {
  readonly directory: string;
  readonly records: number;
  readonly batches: number;
  readonly bytes: number;
  /** Bytes of a write that a crash cut short: never acknowledged. */
  readonly tornBytes: number;
  readonly durationMs: number;
}

/**
 * What the spool tells the world. Called per group, batch or change of state, never per message. Implementations must
 * not throw and must not call back.
 */
export interface SpoolObserver {
  opened(opened: SpoolOpened): void;
  /** `recordsBehind`: what is in the spool at that moment. */
  stateChanged(state: SpoolState, recordsBehind: number): void;
  /** A group of batches is durable. `bytes` of the file, `syncMs` of the fsync alone. */
  groupWritten(batches: number, records: number, bytes: number, writeMs: number, syncMs: number): void;
  /** Writing, fsync, removing or reading failed; tried again after a pause. `code` of the system, for example ENOSPC. */
  diskFailed(step: string, code: string, retryInMs: number): void;
  /** `undefined`: taking again. */
  blockChanged(block: SpoolBlock | undefined): void;
  /** Acknowledged records in the spool cannot be read. The segment is kept under another name. */
  damaged(segment: string, ranges: readonly DamagedRange[]): void;
  /** A batch of the spool is settled: what became of its records. */
  batchSettled(settled: SettledBatch): void;
  /** A replayed record that Kafka refused and whose dead letter it refused too. */
  unlettered(topic: string, reason: string): void;
  /** Whoever was told an outcome threw: a defect. */
  settleFailed(error: unknown): void;
}

export interface SettledBatch {
  readonly topic: string;
  readonly delivered: number;
  /** On the dead-letter topic instead. */
  readonly deadLettered: number;
  /** Refused, also as dead letters. */
  readonly unlettered: number;
  /** In a newer batch of the spool, because Kafka went away again before it had answered. */
  readonly respooled: number;
}
