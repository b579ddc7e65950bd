import type { Account } from '../core/account.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { HeldBatch, Pressure, RecordEncoder, RecordHolder, RecordSink } from '../core/record-sink.ts';
import { Burial } from './burial.ts';
import { Flight } from './flight.ts';
import { type Frame, type FrameOwner, SpooledRecord } from './frame.ts';
import { handOn } from './hand-on.ts';
import type { SpoolObserver, SpoolState } from './observer.ts';
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

export interface SpooledSinkOptions {
  readonly spool: Spool;
  readonly settings: SpoolSettings;
  readonly deadLetterTopic: string;
  readonly observer: SpoolObserver;
  /** Undefined: Kafka is not there yet; it spools, until `attach`. */
  readonly target?: SpoolTarget | undefined;
}

/** Records replayed within one turn of the event loop, so that sockets get theirs. */
const turnRecords = 2000;
const lookEveryMs = 100;

/**
 * Takes records for Kafka also while there is none. Which way a new record goes depends on the state; order per key holds
 * because all new records go the same way, and a way is left only when nothing is left on it that has to be ahead:
 *
 * - `direct`: to the target.
 * - `spooling`: to the spool. What the target held was handed over: it is in the spool too, first of all, and the target
 *   goes on delivering it. Left for `replaying` when the target has settled all of that, so Kafka is back.
 * - `replaying`: to the spool, behind what is being replayed to the target. Left for `direct` when so little is left that
 *   it can be read and appended within one turn of the event loop: then the target has everything, in order.
 *
 * In mode `always` the way is always the spool, and `replaying` is not left.
 */
export class SpooledSink implements RecordSink, FrameOwner {
  readonly #spool: Spool;
  readonly #settings: SpoolSettings;
  readonly #burial: Burial;
  readonly #observer: SpoolObserver;
  readonly #flight = new Flight();
  #afterMs: number;
  #state: SpoolState = 'spooling';
  #target: SpoolTarget | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pumping = false;
  #closed = false;
  #pressure: Pressure = 0;
  #onPressure: (level: Pressure) => void = () => undefined;

  constructor({ spool, settings, deadLetterTopic, observer, target }: SpooledSinkOptions) {
    this.#spool = spool;
    this.#settings = settings;
    this.#afterMs = settings.afterMs;
    this.#observer = observer;
    this.#burial = new Burial({
      deadLetterTopic,
      observer,
      target: () => this.#target as SpoolTarget,
      done: (frame) => this.#done(frame),
    });
    spool.onChange = () => this.#spoolChanged();
    spool.onPressure = () => this.targetPressureChanged();
    if (target === undefined) observer.stateChanged(this.#state, spool.unread);
    else this.attach(target);
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  /** Kafka is there. What is in the spool is replayed ahead of everything else. */
  attach(target: SpoolTarget): void {
    this.#target = target;
    this.#state = 'replaying';
    this.#pump();
    // With nothing to replay it went past this state at once.
    if (this.#state === 'replaying') this.#observer.stateChanged(this.#state, this.#spool.unread);
    this.targetPressureChanged();
  }

  get state(): SpoolState {
    return this.#state;
  }

  append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    const way = this.#state === 'direct' ? (this.#target as SpoolTarget) : this.#spool;
    return way.append(topic, key, timestampMs, encoder, event, settleable);
  }

  /** How full the gateway is: the target or the spool, whichever is fuller. A spool that takes nothing is full. */
  get pressure(): Pressure {
    return this.#pressure;
  }

  /** Sets who is told when the pressure changes; at once, also from inside of `append`. */
  onPressure(listener: (level: Pressure) => void): void {
    this.#onPressure = listener;
  }

  /** To be called when the pressure of the target has changed. */
  targetPressureChanged(): void {
    const blocked = this.#state !== 'direct' && this.#spool.block !== undefined;
    const level = blocked ? 2 : (Math.max(this.#target?.pressure ?? 0, this.#spool.pressure) as Pressure);
    if (level === this.#pressure) return;
    this.#pressure = level;
    this.#onPressure(level);
  }

  /** Why no device should be sent here; undefined when records are taken. */
  get blockedReason(): 'spool_failing' | 'spool_full' | undefined {
    if (this.#state === 'direct' || this.#spool.block === undefined) return undefined;
    return `spool_${this.#spool.block}`;
  }

  #enter(state: SpoolState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#observer.stateChanged(state, this.#spool.unread);
    this.targetPressureChanged();
  }

  /** Now and then: has Kafka been silent for too long, or is there a replay that could not go on? */
  #look(): void {
    const target = this.#target;
    if (target === undefined) return;
    const isSilent = this.#state === 'direct' && target.stats().oldestUnsettledMs >= this.#afterMs;
    if (isSilent) this.#takeOver(target);
    else this.#pump();
  }

  #spoolChanged(): void {
    this.targetPressureChanged();
    if (this.#state === 'replaying') this.#pump();
  }

  /** From `direct` to `spooling`: takes over what the target holds, and what comes from now on. */
  #takeOver(target: SpoolTarget): void {
    this.#enter('spooling');
    target.handOver((batch) => this.#take(batch));
    // Had it all been settled meanwhile, nobody would say so.
    this.#settleProgress();
  }

  #take({ topic, bytes, rawBytes, settleables }: HeldBatch): readonly Settleable[] {
    const frame = this.#spool.put(topic, bytes, settleables.length, rawBytes, settleables);
    this.#flight.add(frame);
    return settleables.map((_, index) => new SpooledRecord(frame, index, this));
  }

  /** Replays as much as the limits allow; in this turn a part of it. */
  #pump(): void {
    const target = this.#target;
    if (this.#state !== 'replaying' || target === undefined || this.#closed) return;
    try {
      let replayed = 0;
      while (this.#hasRoom() && replayed < turnRecords) {
        const frame = this.#spool.next();
        if (frame === undefined) break;
        replayed += frame.records;
        this.#replay(frame, target);
      }
      if (this.#isNearlyDone()) this.#goDirect(target);
      else if (this.#spool.unread > 0 && this.#hasRoom()) this.#pumpSoon();
    } catch (error) {
      // The frame that could not be read is the next one still; `#look` tries again.
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      this.#observer.diskFailed('read', code, lookEveryMs);
    }
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #hasRoom(): boolean {
    const { replayMaxRecords, replayMaxBytes } = this.#settings;
    return this.#flight.records < replayMaxRecords && this.#flight.rawBytes < replayMaxBytes;
  }

  #isNearlyDone(): boolean {
    return this.#settings.mode === 'outage' && this.#spool.unread <= turnRecords && this.#hasRoom();
  }

  /** From `replaying` to `direct`, in one turn: nothing can come in between. */
  #goDirect(target: SpoolTarget): void {
    for (let frame = this.#spool.next(); frame !== undefined; frame = this.#spool.next()) this.#replay(frame, target);
    for (const { topic, batch } of this.#spool.takeOpen()) {
      const { bytes, settleables } = batch;
      handOn(topic, bytes, target, (index) => settleables[index] as Settleable);
    }
    this.#enter('direct');
    this.#settleProgress();
  }

  #replay(frame: Frame, target: SpoolTarget): void {
    this.#flight.add(frame);
    handOn(frame.topic, frame.batch, target, (index) => new SpooledRecord(frame, index, this));
  }

  recordSettled(frame: Frame, index: number, outcome: Outcome): void {
    if (outcome.kind === 'rejected') {
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
    if (!this.#flight.recordSettled(frame)) return;
    const { topic, records, deadLettered, unlettered, respooled } = frame;
    const delivered = records - deadLettered - unlettered - respooled;
    this.#observer.batchSettled({ topic, delivered, deadLettered, unlettered, respooled });
    this.#spool.settled(frame);
    this.#settleProgress();
  }

  #settleProgress(): void {
    const oldest = this.#flight.oldest();
    this.#spool.settledBefore(oldest, this.#state === 'direct' && oldest === undefined);
    if (this.#state === 'spooling' && this.#target !== undefined && oldest === undefined) this.#enter('replaying');
    if (this.#state === 'replaying') this.#pumpSoon();
  }

  /** From now on Kafka is not waited for longer than a moment before the spool takes over. */
  hurry(): void {
    this.#afterMs = Math.min(this.#afterMs, patienceMs);
  }

  /** For the self-check of rule 7; see `Spool.accounts`. */
  accounts(): Account[] {
    return this.#spool.accounts(this.#flight.count());
  }

  /** Unsettled records on their way from the spool to Kafka. */
  get inFlight(): number {
    return this.#flight.records;
  }

  /**
   * Makes everything durable, on Kafka or in the spool; does not wait for Kafka longer than a moment. Afterwards nothing
   * is replayed any more.
   *
   * @returns records that are neither, when the time is over.
   */
  async drain(deadlineMs: number): Promise<number> {
    const deadlineAtMs = performance.now() + deadlineMs;
    const momentMs = Math.min(patienceMs, deadlineMs / 2);
    const isSettled = () => this.#target === undefined || this.#target.stats().unsettledRecords === 0;
    if (this.#state === 'direct') {
      await until(isSettled, momentMs);
      if (!isSettled() && this.#target !== undefined) this.#takeOver(this.#target);
    }
    this.#closed = true;
    const left = await this.#spool.flush(Math.max(0, deadlineAtMs - performance.now()));
    // What is replayed but not settled would be replayed again.
    await until(() => this.#flight.records === 0, Math.min(momentMs, Math.max(0, deadlineAtMs - performance.now())));
    return left;
  }

  /** Lets go of the spool. The target is to be closed first. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#spool.close();
  }
}

/** How long Kafka may take for what it has in flight at a stop. */
const patienceMs = 2000;
const pollMs = 10;

async function until(holds: () => boolean, deadlineMs: number): Promise<void> {
  const deadlineAtMs = performance.now() + deadlineMs;
  while (!holds() && performance.now() < deadlineAtMs) await new Promise((resolve) => setTimeout(resolve, pollMs));
}
