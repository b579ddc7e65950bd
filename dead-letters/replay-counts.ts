import type { Letter } from './letter.ts';

export interface ReplayCounts {
  /** That the filter lets through. */
  letters: number;
  /** Their events are on Kafka (a dry run: they would be). */
  accepted: number;
  /** Of these, found there after an earlier command was killed. */
  alreadyThere: number;
  rejected: number;
  rejectedByReason: Record<string, number>;
  /** Accepted by an earlier replay. */
  replayedBefore: number;
  /** Rejected so often that they are let be. */
  exhausted: number;
  /** They do not hold all of the publish. */
  incomplete: number;
}

export const noCounts = (): ReplayCounts => ({
  letters: 0,
  accepted: 0,
  alreadyThere: 0,
  rejected: 0,
  rejectedByReason: {},
  replayedBefore: 0,
  exhausted: 0,
  incomplete: 0,
});

/** A letter on its way. */
export interface Replayed {
  readonly letter: Letter;
  readonly attempt: number;
  /** Why it was rejected once more; undefined: it was not. */
  refusal: { readonly reason: string; readonly detail: string } | undefined;
  /** Some of its events were on Kafka already. */
  found: boolean;
}

export function countReplayed(counts: ReplayCounts, { refusal, found }: Replayed): void {
  if (refusal === undefined) {
    counts.accepted += 1;
    if (found) counts.alreadyThere += 1;
    return;
  }
  counts.rejected += 1;
  counts.rejectedByReason[refusal.reason] = (counts.rejectedByReason[refusal.reason] ?? 0) + 1;
}
