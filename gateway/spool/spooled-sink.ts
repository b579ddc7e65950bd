import type { Account } from '../core/account.ts';
import type { RecordOrigin } from '../core/headers/common-headers.ts';
import type { Settleable } from '../core/publish.ts';
import type { Pressure, RecordEncoder, RecordSink } from '../core/record-sink.ts';
import type { SpoolObserver, SpoolState } from './observer.ts';
import { readRetryMs } from './outlet.ts';
import { type BacklogSealing, Replay, type SpoolTarget } from './replay.ts';
import type { SpoolSettings } from './settings.ts';
import type { Spool } from './spool.ts';

export interface SpooledSinkOptions {
  readonly spool: Spool;
  readonly settings: SpoolSettings;
  readonly deadLetterTopic: string;
  /** Of dead letters. */
  readonly origin: RecordOrigin;
  readonly observer: SpoolObserver;
  /** See `ReplayOptions`. */
  readonly sealing?: BacklogSealing | undefined;
  /** Undefined: Kafka is not there yet; it spools, until `attach`. */
  readonly target?: SpoolTarget | undefined;
}

/** How long Kafka may take for what it has in flight at a stop. */
const patienceMs = 2000;
const pollMs = 10;

/**
 * Takes records for Kafka also while there is none. Which way a new record goes depends on the state; order per key holds
 * because all new records go the same way, and a way is left only when nothing is left on it that has to be ahead:
 *
 * - `direct`: to the target.
 * - `spooling`: to the spool. What the target held was handed over: it is in the spool too, first of all, and the target
 *   goes on delivering it. Left for `replaying` when the target has settled all of that, so Kafka is back.
 * - `replaying`: to the spool, behind what is being replayed to the target. Left for `direct` when all that is left are open
 *   batches: they are handed on within the same turn of the event loop, and the target has everything, in order.
 *
 * In mode `always` the way is always the spool, and `replaying` is not left.
 */
export class SpooledSink implements RecordSink {
  readonly #options: Omit<SpooledSinkOptions, 'target'>;
  readonly #spool: Spool;
  readonly #timer: NodeJS.Timeout;
  #afterMs: number;
  #state: SpoolState = 'spooling';
  #target: SpoolTarget | undefined;
  #replay: Replay | undefined;
  #isReplayDue = false;
  /** On its way from one state to another: nobody is told anything. */
  #isSwitching = false;
  #closed = false;
  #pressure: Pressure = 0;
  #onPressure: (level: Pressure) => void = () => undefined;

  constructor({ target, ...options }: SpooledSinkOptions) {
    const { spool, settings, observer } = options;
    this.#options = options;
    this.#spool = spool;
    this.#afterMs = settings.afterMs;
    spool.onChange = () => this.#spoolChanged();
    spool.onPressure = () => this.targetPressureChanged();
    if (target === undefined) observer.stateChanged(this.#state, spool.depth().records);
    else this.attach(target);
    this.#timer = setInterval(() => this.#look(), readRetryMs);
    this.#timer.unref();
  }

  /** Kafka is there. What is in the spool is replayed ahead of everything else. */
  attach(target: SpoolTarget): void {
    this.#target = target;
    this.#replay = new Replay({ ...this.#options, target, progress: () => this.#progress() });
    this.#state = 'replaying';
    this.#replayTurn();
    // With nothing to replay it went past this state at once.
    if (this.#state === 'replaying') {
      this.#options.observer.stateChanged(this.#state, this.#spool.depth().records);
      this.targetPressureChanged();
    }
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

  /**
   * How full the gateway is: the target or the spool, whichever is fuller. While the spool takes nothing, devices are held
   * back as above the soft watermark: their answers are withheld, but pings are read, until the watermarks say otherwise.
   */
  get pressure(): Pressure {
    return this.#pressure;
  }

  /** Sets who is told when the pressure changes; at once, also from inside of `append`. */
  onPressure(listener: (level: Pressure) => void): void {
    this.#onPressure = listener;
  }

  /** To be called when the pressure of the target has changed. */
  targetPressureChanged(): void {
    if (this.#isSwitching) return;
    const least = this.#state !== 'direct' && this.#spool.block !== undefined ? 1 : 0;
    const level = Math.max(least, this.#target?.pressure ?? 0, this.#spool.pressure) as Pressure;
    if (level === this.#pressure) return;
    this.#pressure = level;
    this.#onPressure(level);
  }

  /** Whether the spool takes records, or would, if they came its way. */
  get canSpool(): boolean {
    return this.#spool.block === undefined;
  }

  /** Why no device should be sent here; undefined when records are taken. */
  get blockedReason(): 'spool_failing' | 'spool_full' | undefined {
    if (this.#state === 'direct' || this.#spool.block === undefined) return undefined;
    return `spool_${this.#spool.block}`;
  }

  #enter(state: SpoolState): void {
    this.#state = state;
    this.#options.observer.stateChanged(state, this.#spool.depth().records);
    this.targetPressureChanged();
  }

  /** Now and then: has Kafka been silent for too long, or is there a replay that could not go on? */
  #look(): void {
    const isSilent = this.#state === 'direct' && (this.#target?.stats().oldestUnsettledMs ?? 0) >= this.#afterMs;
    if (isSilent) this.#takeOver();
    else this.#replayTurn();
  }

  #spoolChanged(): void {
    this.targetPressureChanged();
    this.#replaySoon();
  }

  /** From `direct` to `spooling`: takes over what the target holds, and what comes from now on. */
  #takeOver(): void {
    this.#enter('spooling');
    this.#spool.bypass(false);
    this.#replay?.takeOver();
    // Had it all been settled meanwhile, nobody would say so.
    this.#progress();
  }

  #replayTurn(): void {
    if (this.#state !== 'replaying' || this.#replay === undefined || this.#closed) return;
    const progress = this.#replay.turn();
    if (progress === 'unfinished') this.#replaySoon();
    else if (progress === 'complete' && this.#options.settings.mode === 'outage') this.#goDirect(this.#replay);
  }

  #replaySoon(): void {
    if (this.#isReplayDue || this.#state !== 'replaying') return;
    this.#isReplayDue = true;
    setImmediate(() => {
      this.#isReplayDue = false;
      this.#replayTurn();
    });
  }

  /** From `replaying` to `direct`, in one turn: nothing can come in between. */
  #goDirect(replay: Replay): void {
    // Whoever is told that the pressure falls may append at once: not before all open batches are on their way.
    this.#isSwitching = true;
    replay.handOnOpen();
    this.#isSwitching = false;
    this.#enter('direct');
    this.#spool.bypass(true);
  }

  /** Kafka has settled a batch of the spool. */
  #progress(): void {
    if (this.#state === 'spooling' && this.#target !== undefined && this.inFlight === 0) this.#enter('replaying');
    this.#replaySoon();
  }

  /** From now on Kafka is not waited for longer than a moment before the spool takes over. */
  hurry(): void {
    this.#afterMs = Math.min(this.#afterMs, patienceMs);
  }

  /** For the self-check of rule 7; see `Spool.accounts`. */
  accounts(): Account[] {
    return this.#spool.accounts();
  }

  /** Unsettled records on their way from the spool to Kafka. */
  get inFlight(): number {
    return this.#spool.inFlight.records;
  }

  /**
   * Makes everything durable, on Kafka or in the spool; does not wait for Kafka longer than a moment. Afterwards nothing
   * is replayed any more.
   *
   * @returns records that are neither, when the time is over.
   */
  async drain(deadlineMs: number): Promise<number> {
    const deadlineAtMs = performance.now() + deadlineMs;
    const leftMs = () => Math.max(0, deadlineAtMs - performance.now());
    const momentMs = Math.min(patienceMs, deadlineMs / 2);
    // Meanwhile it may leave the state by itself.
    const isWaiting = () => this.#state === 'direct' && (this.#target?.stats().unsettledRecords ?? 0) > 0;
    await until(() => !isWaiting(), momentMs);
    this.#closed = true;
    if (isWaiting()) this.#takeOver();
    const left = await this.#spool.flush(leftMs());
    // What is replayed but not settled would be replayed again.
    await until(() => this.inFlight === 0, Math.min(momentMs, leftMs()));
    return left;
  }

  /** Lets go of the spool. The target is to be closed first. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#spool.close();
  }
}

async function until(holds: () => boolean, deadlineMs: number): Promise<void> {
  const deadlineAtMs = performance.now() + deadlineMs;
  while (!holds() && performance.now() < deadlineAtMs) await new Promise((resolve) => setTimeout(resolve, pollMs));
}
