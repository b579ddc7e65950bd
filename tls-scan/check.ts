/** One thing that was looked at. */
export interface Check {
  readonly what: string;
  readonly result: 'good' | 'bad' | 'not run';
  /** What was seen. */
  readonly seen: string;
}

export const check = (what: string, isGood: boolean, seen: string): Check => ({
  what,
  result: isGood ? 'good' : 'bad',
  seen,
});
