import type { ScenarioResult, ScenarioRun } from '../result.ts';

export const grouped = (value: number): string => value.toLocaleString('en');
export const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** `leader-kill`, or `none [swapped-records]` for a mutant. */
export const nameOf = ({ name, mutant }: ScenarioResult): string =>
  mutant === undefined ? name : `${name} [${mutant}]`;

export const stateOf = (result: ScenarioResult): 'ok' | 'RED' | 'NOT RUN' => {
  if (!result.ran) return 'NOT RUN';
  return result.problems.length === 0 ? 'ok' : 'RED';
};

export const figureColumns = [
  'acked',
  'rejected',
  'lost',
  'phantom',
  'out of order',
  'split',
  'duplicated',
  'bound',
  'recovery s',
] as const;

/** One cell for each of `figureColumns`. */
export const figureCells = (run: ScenarioRun): string[] => {
  const { verdict, duplicateBound, recoveryMs } = run;
  const figures =
    verdict === undefined
      ? Array.from({ length: 7 }, () => '–')
      : [
          verdict.acked,
          verdict.rejected,
          verdict.lost,
          verdict.phantom,
          verdict.outOfOrder,
          verdict.split,
          verdict.duplicated,
        ].map(grouped);
  return [...figures, grouped(duplicateBound), recoveryMs === undefined ? '–' : seconds(recoveryMs)];
};
