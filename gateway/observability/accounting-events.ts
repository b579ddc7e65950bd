import { type Account, type AccountingObserver, imbalanceOf } from '../core/account.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** The gateway's self-check of its accounts: one line whenever what they are out by has changed. */
export class AccountingEvents implements AccountingObserver {
  readonly #log: Log;
  #checks = 0;
  #mismatch = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    metrics.gauge(
      'edge_accounting_mismatch',
      'Publishes and records of which the gateway does not know what became of them, as of the last self-check. Not 0: a defect.',
      () => this.#mismatch,
    );
    metrics.counter('edge_accounting_checks_total', 'Self-checks of the accounts.', () => this.#checks);
  }

  checked(wrong: readonly Account[], mismatch: number): void {
    this.#checks += 1;
    if (mismatch === this.#mismatch) return;
    this.#mismatch = mismatch;
    if (mismatch === 0) {
      this.#log.write('info', 'accounting_right', 'the accounts add up again', {});
      return;
    }
    const accounts = wrong.map((account) => ({ ...account, outBy: imbalanceOf(account) }));
    const text = 'a defect of the gateway: what came in is neither gone nor held';
    this.#log.write('error', 'accounting_mismatch', text, { mismatch, accounts });
  }
}
