import type { Account } from './core/account.ts';

export interface PublishCounts {
  /** Counted by the core, when it gets a publish. */
  readonly came: number;
  /** Counted by the core, by outcome. */
  readonly went: number;
  /** Counted at the MQTT edge: handed on and not answered yet. */
  readonly held: number;
  /** Records that still wait for an outcome, and copies that wait for one of those, counted where they lie. */
  readonly heldRecords: number;
}

/**
 * The accounts of publishes. The second one is about publishes that nobody will ever settle: each that is held has at
 * least one record somewhere on its way, or is a copy of an event that has one.
 */
export function publishAccounts({ came, went, held, heldRecords }: PublishCounts): Account[] {
  return [
    { name: 'publishes', came, went, held },
    { name: 'publishes_without_record', came: Math.max(0, held - heldRecords), went: 0, held: 0 },
  ];
}
