import type { MetricSample } from '../test/support/gateway-process.ts';

/** Rule 7 as one scrape of /metrics tells it. */
export interface Account {
  readonly received: number;
  /** Everything that publishes become, in the order of the rule, by its name. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly inFlight: number;
}

const demanded = [
  ...(['delivered', 'spooled', 'dead_lettered', 'unlettered', 'unkept'] as const),
  ...(['duplicate', 'shed', 'unanswered'] as const),
];

/**
 * Reads the account.
 *
 * @throws {Error} when a figure is not exported: it must not pass for 0
 */
export function accountOf(samples: readonly MetricSample[]): Account {
  const sum = (name: string): number | undefined => {
    const values = samples.filter((sample) => sample.name === name).map(({ value }) => value);
    return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);
  };
  const need = (name: string): number => {
    const value = sum(name);
    if (value === undefined) throw new Error(`/metrics has no ${name}`);
    return value;
  };
  return {
    received: need('edge_publishes_received_total'),
    outcomes: Object.fromEntries(demanded.map((outcome) => [outcome, need(`edge_publishes_${outcome}_total`)])),
    inFlight: need('edge_publishes_in_flight'),
  };
}

/** What the account is short of; 0 when it adds up. */
export function imbalanceOf({ received, outcomes, inFlight }: Account): number {
  return Object.values(outcomes).reduce((left, value) => left - value, received) - inFlight;
}

/**
 * What is wrong with the accounts as one scrape tells them, or undefined: by our own sum over the publishes, and by the
 * gateway's self-check over publishes and records; also that a figure is not exported. Has to be undefined at any moment,
 * under any fault.
 */
export function accountProblemIn(samples: readonly MetricSample[]): string | undefined {
  try {
    const account = accountOf(samples);
    const imbalance = imbalanceOf(account);
    if (imbalance !== 0) return `the account is ${imbalance} short: ${describeAccount(account)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const mismatch = samples.find(({ name }) => name === 'edge_accounting_mismatch')?.value;
  if (mismatch === undefined) return '/metrics has no edge_accounting_mismatch';
  return mismatch === 0 ? undefined : `the gateway's self-check is out by ${mismatch}`;
}

export function describeAccount({ received, outcomes, inFlight }: Account): string {
  const parts = Object.entries(outcomes).map(([outcome, value]) => `${outcome} ${value}`);
  return `received ${received} = ${parts.join(' + ')} + in flight ${inFlight}`;
}
