import { type Account, type AccountingObserver, checkAccounts } from './core/account.ts';

const checkEveryMs = 5000;

/** Checks every few seconds that what came in has gone out or is still held. */
export class AccountingWatch {
  readonly #accounts: () => readonly Account[];
  readonly #observer: AccountingObserver;
  #timer: NodeJS.Timeout | undefined;

  constructor(accounts: () => readonly Account[], observer: AccountingObserver) {
    this.#accounts = accounts;
    this.#observer = observer;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.check(), checkEveryMs).unref();
  }

  /** Must not be called from inside of a settlement, which is half counted. */
  check(): void {
    checkAccounts(this.#accounts(), this.#observer);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
