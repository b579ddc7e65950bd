/** What can be wrong, the worst first. */
export const verdictFindings = [
  'lost',
  'lostLetters',
  'phantom',
  'outOfOrder',
  'split',
  'wrongPartition',
  'wrongId',
  'misjudged',
  'altered',
  'duplicated',
] as const;
export type VerdictFinding = (typeof verdictFindings)[number];

const examplesKept = 5;

const each = <Value>(make: () => Value): Record<VerdictFinding, Value> =>
  Object.fromEntries(verdictFindings.map((finding) => [finding, make()])) as Record<VerdictFinding, Value>;

/** Counts findings, and keeps the first few of each in words. */
export class Findings {
  readonly counts = each(() => 0);
  readonly #examples = each<string[]>(() => []);

  /** The examples of all findings. */
  get examples(): string[] {
    return verdictFindings.flatMap((finding) => this.#examples[finding].map((words) => `${finding}: ${words}`));
  }

  add(finding: VerdictFinding, words: () => string): void {
    this.counts[finding] += 1;
    const kept = this.#examples[finding];
    if (kept.length < examplesKept) kept.push(words());
  }

  /** Adds what was counted elsewhere, with its examples. */
  addAll(finding: VerdictFinding, count: number, words: readonly string[]): void {
    if (count === 0) return;
    this.counts[finding] += count;
    const kept = this.#examples[finding];
    kept.push(...words.slice(0, examplesKept - kept.length));
  }
}
