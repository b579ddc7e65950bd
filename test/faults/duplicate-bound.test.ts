import { describe, expect, it } from 'vitest';
import { duplicateBoundOf } from '../../faults/duplicate-bound.ts';

const causes = { resent: 100, reported: 7, explained: 20, inFlight: 50, faults: 2 };

describe('the bound of duplicates', () => {
  it('is what was sent again, what the gateway reports, and what the scenario explains', () => {
    expect(duplicateBoundOf(causes)).toEqual({ all: 127, unexplained: 27 });
  });

  it('takes no more from the gateway than was in flight at each fault', () => {
    expect(duplicateBoundOf({ ...causes, reported: 1_000_000 })).toEqual({ all: 220, unexplained: 120 });
    expect(duplicateBoundOf({ ...causes, reported: 1_000_000, faults: 0 })).toEqual({ all: 120, unexplained: 20 });
  });
});
