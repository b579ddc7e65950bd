import {
  type ProxyRefusal,
  proxyRefusals,
  type TransportObserver,
  type UpgradeRefusal,
  upgradeRefusals,
} from '../mqtt/transport-observer.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

/** What happens to connections between accept and MQTT, TLS apart. */
export class TransportEvents implements TransportObserver {
  readonly #log: Log;
  readonly #headers = new Tally<'proxy' | 'local'>('command', ['proxy', 'local']);
  readonly #headersRefused = new Tally<ProxyRefusal>('reason', proxyRefusals);
  readonly #upgrades = new Tally<string>('listener');
  readonly #upgradesRefused = new Tally<UpgradeRefusal>('reason', upgradeRefusals);

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    metrics.counters(
      'edge_proxy_headers_total',
      'Headers of the PROXY protocol, by command: for a device, or for the balancer itself.',
      ['command'],
      () => this.#headers.samples(),
    );
    metrics.counters(
      'edge_proxy_headers_refused_total',
      'Connections closed for their header of the PROXY protocol, or for want of one, by reason.',
      ['reason'],
      () => this.#headersRefused.samples(),
    );
    metrics.counters('edge_websocket_upgrades_total', 'HTTP requests that became WebSockets.', ['listener'], () =>
      this.#upgrades.samples(),
    );
    metrics.counters(
      'edge_websocket_upgrades_refused_total',
      'HTTP requests that did not become WebSockets, by reason.',
      ['reason'],
      () => this.#upgradesRefused.samples(),
    );
  }

  proxyHeaderTaken(_listener: string, spokenFor: boolean): void {
    this.#headers.add(spokenFor ? 'proxy' : 'local');
  }

  proxyHeaderRefused(listener: string, reason: ProxyRefusal, remoteAddress: string | undefined): void {
    this.#headersRefused.add(reason);
    // A balancer that only looks whether somebody listens closes without a header, every few seconds.
    const severity = reason === 'aborted' ? 'debug' : 'warn';
    const text = 'a connection was closed for its header of the PROXY protocol, or for want of one';
    this.#log.writeLimited(severity, 'proxy_header_refused', text, { listener, reason, remoteAddress });
  }

  upgraded(listener: string): void {
    this.#upgrades.add(listener);
  }

  upgradeRefused(listener: string, reason: UpgradeRefusal, remoteAddress: string | undefined): void {
    this.#upgradesRefused.add(reason);
    const fields = { listener, reason, remoteAddress };
    this.#log.writeLimited('warn', 'websocket_upgrade_refused', 'a request did not become a WebSocket', fields);
  }
}
