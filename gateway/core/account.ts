/**
 * Something that is counted where it comes in, where it goes out, and where it is held, each on its own, so that the
 * three can fail to agree (rule 7 of the delivery rules).
 */
export interface Account {
  /** A stable word for the log: `publishes`, `records`. */
  readonly name: string;
  readonly came: number;
  readonly went: number;
  readonly held: number;
}

/** What an account is out by: 0 when it adds up. */
export function imbalanceOf({ came, went, held }: Account): number {
  return Math.abs(came - went - held);
}

/** What a self-check has found. */
export interface AccountingObserver {
  /** `wrong`: the accounts that do not add up; `mismatch`: the sum of what they are out by. */
  checked(wrong: readonly Account[], mismatch: number): void;
}

/** Reads the accounts, between two turns of the event loop, and tells what does not add up. */
export function checkAccounts(accounts: readonly Account[], observer: AccountingObserver): void {
  const wrong = accounts.filter((account) => imbalanceOf(account) !== 0);
  observer.checked(
    wrong,
    wrong.reduce((sum, account) => sum + imbalanceOf(account), 0),
  );
}
