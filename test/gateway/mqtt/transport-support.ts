import type { TransportObserver } from '../../../gateway/mqtt/transport-observer.ts';
import { until } from './support.ts';

/** Headers and upgrades, as one word each: `taken`, `local`, `upgraded`, or why they were refused. */
export class Transports implements TransportObserver {
  readonly seen: string[] = [];
  readonly addresses: (string | undefined)[] = [];

  proxyHeaderTaken(_listener: string, spokenFor: boolean): void {
    this.seen.push(spokenFor ? 'taken' : 'local');
  }
  proxyHeaderRefused(_listener: string, reason: string, remoteAddress: string | undefined): void {
    this.seen.push(reason);
    this.addresses.push(remoteAddress);
  }
  upgraded(): void {
    this.seen.push('upgraded');
  }
  upgradeRefused(_listener: string, reason: string, remoteAddress: string | undefined): void {
    this.seen.push(reason);
    this.addresses.push(remoteAddress);
  }

  /** The next of them, beyond those that were asked for before. */
  async next(): Promise<string> {
    await until(() => this.seen.length > 0, 'a header or an upgrade');
    return this.seen.shift() as string;
  }
}
