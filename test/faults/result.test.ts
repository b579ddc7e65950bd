import { describe, expect, it } from 'vitest';
import {
  exitCodeOf,
  figuresOf,
  found,
  isRed,
  judgeMutant,
  type MutantResult,
  problemsOf,
} from '../../faults/result.ts';
import { goodRun, goodVerdict, lossyRun, notRun } from './samples.ts';

const mutant = (caught: boolean): MutantResult => ({
  ...{ name: 'm', what: 'wrong', expects: 'lost', caught, run: caught ? lossyRun : goodRun, control: undefined },
});

describe('what the judge found', () => {
  it('is no problem when there are only duplicates that the faults explain', () => {
    expect(problemsOf(goodVerdict, 3)).toEqual([]);
  });

  it('is a problem when there is one duplicate more', () => {
    expect(problemsOf(goodVerdict, 2)).toEqual([
      { finding: 'duplicated', text: '3 duplicates, where the faults explain 2' },
    ]);
  });

  it('is a problem when more was stored twice without having been sent again than the faults explain', () => {
    expect(problemsOf(goodVerdict, 3, 1)).toEqual([]);
    expect(problemsOf(goodVerdict, 3, 0)).toEqual([
      { finding: 'duplicated', text: '1 duplicates of what was not sent again, where the faults explain 0' },
    ]);
  });

  it('is a problem when not every message was compared with what was sent', () => {
    expect(problemsOf({ ...goodVerdict, compared: 99 }, 3)).toEqual([
      { finding: 'check', text: 'only 99 of 100 messages were compared with what was sent' },
    ]);
  });

  it.each([
    'lost',
    'lostLetters',
    'phantom',
    'outOfOrder',
    'split',
    'wrongPartition',
    'wrongId',
    'misjudged',
    'altered',
  ] as const)('is a problem when a single one is %s', (finding) => {
    expect(problemsOf({ ...goodVerdict, [finding]: 1 }, 3).map((problem) => problem.finding)).toEqual([finding]);
  });
});

describe('a fleet that was drained', () => {
  it('has no publish without an answer, and was acknowledged something', () => {
    expect(problemsOf({ ...goodVerdict, unanswered: 1 }, 3).map(({ finding }) => finding)).toEqual(['unanswered']);
    expect(problemsOf({ ...goodVerdict, acked: 0 }, 3).map(({ finding }) => finding)).toEqual(['check']);
  });
});

describe('publishes at QoS 0', () => {
  it('may be missing, but not all of them', () => {
    expect(problemsOf({ ...goodVerdict, sentOnce: 50, sentOnceStored: 1 }, 7)).toEqual([]);
    expect(problemsOf({ ...goodVerdict, sentOnce: 50, sentOnceStored: 0 }, 7)).toEqual([
      { finding: 'check', text: 'none of 50 publishes at QoS 0 came through' },
    ]);
  });
});

describe('the figures of a matrix', () => {
  it('are sums over the scenarios that ran', () => {
    expect(figuresOf([goodRun, lossyRun, notRun], [mutant(true), mutant(false)])).toEqual({
      ...{ scenarios: 2, acked: 180, lost: 2, phantom: 0, outOfOrder: 0, split: 0, duplicated: 6, duplicateBound: 14 },
      ...{ mutantsCaught: 1, mutants: 2, notRun: ['broker-disk-full'] },
    });
  });

  it('have the keys of the last line, in its order', () => {
    expect(Object.keys(figuresOf([], []))).toEqual([
      ...['scenarios', 'acked', 'lost', 'phantom', 'outOfOrder', 'split', 'duplicated', 'duplicateBound'],
      ...['mutantsCaught', 'mutants'],
    ]);
  });

  it('count a scenario that broke before its judgement, without figures', () => {
    const broken = { ...goodRun, verdict: undefined, duplicateBound: 0 };
    expect(figuresOf([broken], [])).toMatchObject({ scenarios: 1, acked: 0, duplicated: 0 });
  });
});

describe('a mutant', () => {
  const described = { name: 'm', what: 'loses one', expects: 'lost' } as const;

  it('is caught by a verdict that is red for what it does', () => {
    expect(judgeMutant(described, lossyRun, undefined).caught).toBe(true);
    expect(judgeMutant(described, lossyRun, goodRun).caught).toBe(true);
  });

  it('is not caught by a verdict that is green, or red for something else', () => {
    const slow = { ...goodRun, problems: [{ finding: 'check', text: 'too slow' }] } as const;
    expect(judgeMutant(described, goodRun, undefined).caught).toBe(false);
    expect(judgeMutant(described, slow, undefined).caught).toBe(false);
    expect(judgeMutant(described, notRun, undefined).caught).toBe(false);
  });

  it('is not caught when the same conditions are red, or could not be run, without it', () => {
    expect(judgeMutant(described, lossyRun, lossyRun).caught).toBe(false);
    expect(judgeMutant(described, lossyRun, notRun).caught).toBe(false);
  });
});

describe('the exit code', () => {
  it('is 0 when everything ran and is good and every mutant was caught', () => {
    expect(exitCodeOf([goodRun], [mutant(true)])).toBe(0);
  });

  it('is 1 when a scenario is red', () => {
    expect(exitCodeOf([goodRun, lossyRun], [])).toBe(1);
    expect(exitCodeOf([notRun, lossyRun], [])).toBe(1);
  });

  it('is 1 when a mutant was not caught', () => {
    expect(exitCodeOf([goodRun], [mutant(false)])).toBe(1);
  });

  it('is 2 when a scenario or a mutant could not be run, unless that is allowed', () => {
    const mutantNotRun = { ...mutant(false), run: notRun };
    expect(exitCodeOf([goodRun, notRun], [mutant(true)])).toBe(2);
    expect(exitCodeOf([goodRun], [mutantNotRun])).toBe(2);
    expect(exitCodeOf([goodRun, notRun], [mutantNotRun], { allowNotRun: true })).toBe(0);
  });

  it('is 2 when nothing could be run, whatever is allowed', () => {
    expect(exitCodeOf([notRun], [])).toBe(2);
    expect(exitCodeOf([notRun], [], { allowNotRun: true })).toBe(2);
  });
});

describe('a scenario that could not be run', () => {
  it('is neither red nor does it find anything', () => {
    expect(isRed(notRun)).toBe(false);
    expect(found(notRun, 'lost')).toBe(false);
    expect(found(lossyRun, 'lost')).toBe(true);
    expect(found(lossyRun, 'phantom')).toBe(false);
  });
});
