import {
  type BanKind,
  banKinds,
  type LimitRefusal,
  type LimitsObserver,
  limitRefusals,
} from '../core/limits/observer.ts';
import { clip, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

/** Every limit that somebody reached. Names that were tried are not logged here: they may be those of honest devices. */
export class LimitsEvents implements LimitsObserver {
  readonly #log: Log;
  readonly #refused = new Tally<LimitRefusal>('reason', limitRefusals);
  readonly #bans = new Tally<BanKind>('kind', banKinds);
  #slowed = 0;
  #fleetHeld = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    metrics.counters('edge_limits_refused_total', 'Sockets and CONNECTs beyond a limit, by which.', ['reason'], () =>
      this.#refused.samples(),
    );
    metrics.counters('edge_limits_bans_total', 'Bans: of an address, or of a name from one address.', ['kind'], () =>
      this.#bans.samples(),
    );
    metrics.counter(
      'edge_limits_slowed_total',
      'Times that a connection was not read further as its device had sent more than it may.',
      () => this.#slowed,
    );
    metrics.counter(
      'edge_limits_fleet_held_total',
      'Times that nobody was read as all devices together had sent more than they may.',
      () => this.#fleetHeld,
    );
  }

  refused(reason: LimitRefusal, address: string): void {
    this.#refused.add(reason);
    this.#log.writeLimited('warn', 'limit_reached', 'a limit keeps somebody out', { reason, remoteAddress: address });
  }

  banned(kind: BanKind, address: string): void {
    this.#bans.add(kind);
    const text =
      kind === 'address'
        ? 'logins of many names failed from this address: no password is hashed for it'
        : 'a login failed too often from this address: no password is hashed for it';
    this.#log.writeLimited('warn', 'limit_banned', text, { kind, remoteAddress: address });
  }

  slowed(deviceId: string): void {
    this.#slowed += 1;
    const text = 'a device sends more than it may, and is read more slowly';
    this.#log.writeLimited('info', 'limit_slowed', text, { deviceId: clip(deviceId) });
  }

  /** The rate of all devices together is used up, or no longer. */
  fleetRate(isSpent: boolean): void {
    if (!isSpent) return;
    this.#fleetHeld += 1;
    this.#log.writeLimited(
      'info',
      'limit_fleet',
      'all devices together send more than they may, and are read more slowly',
    );
  }
}
