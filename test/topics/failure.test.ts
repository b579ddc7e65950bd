import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../topics/failure.ts';

describe('a failure of the cluster', () => {
  it('is told by what lies at the bottom of it, each cause once', () => {
    const refused = () => new Error('connection failed', { cause: new Error('connect ECONNREFUSED') });
    const timedOut = new Error('request timed out');
    const failure = new AggregateError(
      [refused(), new AggregateError([refused(), timedOut], 'again')],
      'listing failed',
    );
    expect(describeFailure(failure)).toBe('connect ECONNREFUSED; request timed out');
  });

  it('is told by its text when it wraps nothing', () => {
    expect(describeFailure(new Error('no'))).toBe('no');
    expect(describeFailure('no')).toBe('no');
  });
});
