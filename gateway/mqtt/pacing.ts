import { MessageRate, type RateLimits } from '../core/limits/message-rate.ts';
import type { LimitsObserver } from '../core/limits/observer.ts';
import type { Connection } from './connection.ts';
import { reasonCodes } from './reason-codes.ts';

/** How often it is looked whether the fleet may go on once its rate is used up: short, so that it goes on evenly. */
const fleetLookMs = 50;
/** For so long the fleet may go on at its rate then: for a message or two, all connections would be let go and held again. */
const fleetResumeSeconds = 0.1;

/**
 * Devices that send more than they may: they are not read for a while, and nothing of what they send is lost. What they
 * have sent waits in their own buffers, by way of TCP.
 */
export class SlowedDevices {
  readonly #observer: LimitsObserver | undefined;
  readonly #slowed = new Set<Connection>();

  constructor(observer: LimitsObserver | undefined) {
    this.#observer = observer;
  }

  get size(): number {
    return this.#slowed.size;
  }

  /** Reading of `connection` has stopped, as its device's rate is used up. */
  add(connection: Connection, rate: MessageRate, nowMs: number): void {
    if (this.#slowed.has(connection)) return;
    this.#slowed.add(connection);
    rate.stopped(nowMs);
    this.#observer?.slowed(connection.deviceId);
  }

  /** It has ended. */
  delete(connection: Connection): void {
    if (this.#slowed.delete(connection)) connection.rate?.abandoned();
  }

  /** Has those read again that may be. Who goes on abusing it is told so: 3.1.1 has no word for it, and only waits. */
  sweep(nowMs: number): void {
    for (const connection of this.#slowed) {
      const { rate } = connection;
      if (rate?.isAbused === true && connection.version === 5) {
        connection.disconnect(reasonCodes.messageRateTooHigh, 'message_rate', 'far more messages than are allowed');
      } else if (rate === undefined || rate.refill(nowMs)) {
        rate?.resumed(nowMs);
        this.#slowed.delete(connection);
        connection.incoming.resumeIfAllowed();
      }
    }
  }
}

/** The rate of all devices together: above it, nobody is read until there is room again. */
export class FleetPace {
  readonly #rate: MessageRate;
  readonly #monotonicMs: () => number;
  readonly #onSpent: (isSpent: boolean) => void;
  #timer: NodeJS.Timeout | undefined;
  readonly #look = (): void => {
    this.#timer = undefined;
    if (this.#rate.refillTo(fleetResumeSeconds, this.#monotonicMs())) this.#onSpent(false);
    else this.#wait();
  };

  /** @param onSpent told when it is used up, and when no longer. May be called from inside of `take`. */
  constructor(limits: RateLimits, monotonicMs: () => number, onSpent: (isSpent: boolean) => void) {
    this.#rate = new MessageRate(limits, monotonicMs());
    this.#monotonicMs = monotonicMs;
    this.#onSpent = onSpent;
  }

  /** Counts a publish that was handed on. */
  take(bytes: number): void {
    this.#rate.take(bytes);
    if (this.#rate.isSpent && this.#timer === undefined && !this.#rate.refill(this.#monotonicMs())) {
      this.#wait();
      this.#onSpent(true);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#timer = setTimeout(this.#look, fleetLookMs);
  }
}
