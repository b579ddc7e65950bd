import type { ConnectivityObserver, ConnectivityOutcome } from '../core/connectivity/connectivity.ts';
import { type ConnectivityChange, connectivityChanges } from '../core/connectivity/connectivity-record.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

const outcomes: readonly ConnectivityOutcome[] = ['written', 'shed', 'capped', 'lost'];

/** The records about devices that come and go. */
export class ConnectivityEvents implements ConnectivityObserver {
  readonly #log: Log;
  readonly #tallies: ReadonlyMap<ConnectivityChange, Tally<ConnectivityOutcome>>;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#tallies = new Map(connectivityChanges.map((change) => [change, new Tally('outcome', outcomes)]));
    metrics.counters(
      'edge_connectivity_events_total',
      'Records about devices that come and go: written; shed under pressure or when too many were under way; capped, as the device had had its share; lost.',
      ['change', 'outcome'],
      () => [...this.#tallies].flatMap(([change, tally]) => [...tally.samples({ change })]),
    );
  }

  connectivityEvent(change: ConnectivityChange, outcome: ConnectivityOutcome): void {
    this.#tallies.get(change)?.add(outcome);
    if (outcome === 'written') return;
    const text = 'a device came or went, and no record says so';
    this.#log.writeLimited('warn', 'connectivity_event_dropped', text, { change, outcome });
  }
}
