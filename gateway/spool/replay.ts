import type { RecordOrigin } from '../core/headers/common-headers.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { HeldBatch, Pressure, RecordHolder, RecordSink } from '../core/record-sink.ts';
import { Burial } from './burial.ts';
import { type Frame, type FrameOwner, SpooledRecord } from './frame.ts';
import { handOn } from './hand-on.ts';
import type { SpoolObserver } from './observer.ts';
import type { SpoolSettings } from './settings.ts';
import type { Spool } from './spool.ts';

/** Where the spool's records go: the producer. */
export interface SpoolTarget extends RecordSink, RecordHolder {
  readonly pressure: Pressure;
  stats(): TargetStats;
}

/** Of the records that Kafka has not answered for, those aside that were handed over. */
export interface TargetStats {
  readonly unsettledRecords: number;
  /** Age of the oldest one; 0 when there is none. */
  readonly oldestUnsettledMs: number;
}

/** The way to a target for what is in the spool, and for the letters of what is refused of it. */
export type BacklogSealing = (target: RecordSink) => RecordSink & { readonly letters: RecordSink };

export interface ReplayOptions {
  readonly spool: Spool;
  readonly target: SpoolTarget;
  readonly settings: Pick<SpoolSettings, 'replayMaxRecords' | 'replayMaxBytes'>;
  readonly deadLetterTopic: string;
  /** Of dead letters. */
  readonly origin: RecordOrigin;
  readonly observer: SpoolObserver;
  /**
   * Makes the way to the target for what an earlier process has spooled, and for letters of what Kafka refuses: it encrypts
   * what is to be encrypted and is not yet. Left out: nothing is.
   */
  readonly sealing?: BacklogSealing | undefined;
  /** A batch is settled. */
  readonly progress: () => void;
}

/** Records replayed within one turn of the event loop, so that sockets get theirs. */
const turnRecords = 2000;

/**
 * How a turn ended. `complete`: the target has everything but the open batches. `unfinished`: there is more to do at once.
 * `waiting`: for answers, or for the disk.
 */
export type ReplayProgress = 'complete' | 'unfinished' | 'waiting';

/** The batches of the spool on their way to Kafka: handed on in their order, and settled with what Kafka says of them. */
export class Replay implements FrameOwner {
  readonly #options: ReplayOptions;
  readonly #burial: Burial;
  readonly #backlogTarget: RecordSink;

  constructor(options: ReplayOptions) {
    const { deadLetterTopic, origin, observer, sealing } = options;
    this.#options = options;
    const sealed = sealing?.(options.target);
    this.#backlogTarget = sealed ?? options.target;
    const target = sealed?.letters ?? options.target;
    this.#burial = new Burial({ deadLetterTopic, origin, observer, target, done: (frame) => this.#done(frame) });
  }

  /** Hands on as much as the limits allow; in this turn a part of it. */
  turn(): ReplayProgress {
    const { spool } = this.#options;
    let records = 0;
    while (this.#hasRoom()) {
      if (records >= turnRecords) return 'unfinished';
      const frame = spool.next();
      if (frame === undefined) return 'complete';
      if (frame === 'unreadable') return 'waiting';
      records += frame.records;
      this.#handOn(frame);
    }
    return 'waiting';
  }

  #hasRoom(): boolean {
    const { spool, settings } = this.#options;
    // Not what is unsettled alone: while one partition is slow, the others would get ever further ahead of the cursor.
    const { records, rawBytes } = spool.inFlight.span;
    return records < settings.replayMaxRecords && rawBytes < settings.replayMaxBytes;
  }

  #handOn(frame: Frame): void {
    const { spool, target } = this.#options;
    // What this process has spooled was encrypted before.
    const way = spool.isRecovered(frame) ? this.#backlogTarget : target;
    handOn(frame.topic, frame.batch, way, (index) => new SpooledRecord(frame, index, this));
  }

  /** Hands on the open batches, too. Only after a turn that was complete, and within the same one of the event loop. */
  handOnOpen(): void {
    const { spool, target } = this.#options;
    spool.takeOpen((topic, { bytes, settleables }) => {
      handOn(topic, bytes, target, (index) => settleables[index] as Settleable);
    });
  }

  /** Puts a copy of everything that the target holds into the spool; the target goes on delivering its own. */
  takeOver(): void {
    this.#options.target.handOver((batch) => this.#take(batch));
  }

  #take({ topic, bytes, rawBytes, settleables }: HeldBatch): readonly Settleable[] {
    const frame = this.#options.spool.put(topic, { bytes, records: settleables.length, rawBytes, settleables });
    return settleables.map((_, index) => new SpooledRecord(frame, index, this));
  }

  recordSettled(frame: Frame, index: number, outcome: Outcome): void {
    if (outcome.kind === 'rejected') {
      if (this.#options.spool.refuseWaiting(frame, index, outcome)) {
        frame.deadLettered += 1;
        this.#done(frame);
        return;
      }
      this.#burial.bury(frame, index, outcome.rejection);
      return;
    }
    // It stays in the spool, and is replayed by the next process.
    if (outcome.kind === 'unanswered') return;
    // Handed over once more, after it had been replayed: a newer frame has it.
    if (outcome.kind === 'spooled') frame.respooled += 1;
    this.#done(frame);
  }

  #done(frame: Frame): void {
    const { spool, observer, progress } = this.#options;
    if (!spool.recordSettled(frame)) return;
    const { topic, records, deadLettered, unlettered, respooled } = frame;
    const delivered = records - deadLettered - unlettered - respooled;
    observer.batchSettled({ topic, delivered, deadLettered, unlettered, respooled });
    progress();
  }
}
