import { DeviceShares } from '../../core/device-shares.ts';

/** Denials of one source that were counted and have no record of their own. */
export interface CountedDenials {
  readonly source: string;
  readonly count: number;
}

export interface DenialLimits {
  /** Denials of one source per minute that have a record each, in the long run and at once. */
  readonly perMinute: number;
  /** The same over all sources. */
  readonly perMinuteOverall: number;
  /** Sources that are told apart. */
  readonly maxSources: number;
}

const everybody = '*';

/**
 * Which denials get records of their own. A flood would fill the disk with them, so each source has its share, and so have
 * all together; the others are counted, and one record for each source says how many there were. Both are bounded.
 */
export class Denials {
  readonly #limits: DenialLimits;
  readonly #shares: DeviceShares;
  readonly #overall: DeviceShares;
  readonly #counted = new Map<string, number>();

  constructor(limits: DenialLimits) {
    this.#limits = limits;
    const { perMinute, perMinuteOverall, maxSources } = limits;
    this.#shares = new DeviceShares({ perMinute, burst: perMinute, maxDevices: maxSources });
    this.#overall = new DeviceShares({ perMinute: perMinuteOverall, burst: perMinuteOverall, maxDevices: 1 });
  }

  /** Whether this one gets a record. If not, it is counted. */
  take(source: string, nowMs: number): boolean {
    // In this order: who has had his share takes nothing of everybody's.
    if (this.#shares.take(source, nowMs) >= 0 && this.#overall.take(everybody, nowMs) >= 0) return true;
    const known = this.#counted.has(source) || this.#counted.size < this.#limits.maxSources;
    const name = known ? source : everybody;
    this.#counted.set(name, (this.#counted.get(name) ?? 0) + 1);
    return false;
  }

  /** What was counted since the last call. */
  drain(): CountedDenials[] {
    const counted = [...this.#counted].map(([source, count]) => ({ source, count }));
    this.#counted.clear();
    return counted;
  }
}

/** Addresses of IPv6 count by their /64, of which anybody has all; IPv4 in the form of IPv6 as IPv4. */
export function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [head = '', tail] = address.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  while (tail !== undefined && groups.length < 8 - after.length) groups.push('0');
  return `${[...groups, ...after].slice(0, 4).join(':')}::/64`;
}
