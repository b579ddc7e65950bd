import type { IdentityObserver, WatchObserver } from '../identity/observer.ts';
import { clip, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';

type Failure = Parameters<WatchObserver['watchLost']>[0];

/** Events of watching the device registry for changes. */
export class RegistryEvents implements WatchObserver {
  readonly #log: Log;
  readonly #identity: Pick<IdentityObserver, 'registryFailed'>;
  #changes = 0;
  #ended = 0;
  #lost = 0;

  /** @param identity counts failures, whoever met them. */
  constructor(log: Log, metrics: Metrics, identity: Pick<IdentityObserver, 'registryFailed'>) {
    this.#log = log;
    this.#identity = identity;
    metrics.counter('edge_identity_changes_total', 'Changes of devices in the registry.', () => this.#changes);
    metrics.counter(
      'edge_identity_changed_ended_total',
      'Connections ended because their devices were disabled, removed or changed in the registry.',
      () => this.#ended,
    );
    metrics.counter(
      'edge_identity_watch_lost_total',
      'Times that changes of the registry ceased to be seen.',
      () => this.#lost,
    );
  }

  changesSeen(devices: number): void {
    this.#changes += devices;
  }

  connectionsEnded(connections: number): void {
    this.#ended += connections;
    const text = 'connections were ended, as their devices have changed in the registry';
    this.#log.writeLimited('info', 'identity_changed_ended', text, { connections });
  }

  watchLost(code: Failure, message: string): void {
    this.#lost += 1;
    const text = 'changes of the device registry are not seen; devices that are known may connect for a while';
    this.#log.write('error', 'identity_watch_lost', text, { code, reason: clip(message) });
  }

  watchResumed(): void {
    this.#log.write('info', 'identity_watch_resumed', 'changes of the device registry are seen', {});
  }

  registryFailed(code: Failure, message: string): void {
    this.#identity.registryFailed(code, message);
  }
}
