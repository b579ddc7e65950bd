import { verdictFindings } from './findings.ts';
import type { Verdict } from './judgement.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The last verdict, with what was found on the events topic before it was deleted. The dead letters of that time are
 * still there and are judged by the last verdict again, so that lost and doubled ones are taken from there alone. What
 * else can be wrong with a letter counts once in each verdict.
 */
export function withEarlierVerdicts(last: Verdict, earlier: readonly Verdict[]): Verdict {
  const combined: Mutable<Verdict> = { ...last, examples: [...earlier, last].flatMap(({ examples }) => examples) };
  for (const verdict of earlier) {
    for (const finding of verdictFindings) combined[finding] += verdict[finding];
    combined.unexplained += verdict.unexplained;
    combined.compared += verdict.compared;
    combined.lost -= verdict.lostLetters;
    combined.lostLetters -= verdict.lostLetters;
    combined.duplicated -= verdict.duplicatedLetters;
  }
  return combined;
}
