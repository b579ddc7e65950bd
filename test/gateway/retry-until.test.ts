import { describe, expect, it } from 'vitest';
import { retryUntil } from '../../gateway/retry-until.ts';

const never = { onRetry: () => {}, isTransient: () => true };

describe('trying again until it works', () => {
  it('returns the first success and reports the failures before it', async () => {
    const failures: unknown[] = [];
    let attempts = 0;
    const value = await retryUntil(new AbortController().signal, {
      attempt: async () => {
        attempts += 1;
        if (attempts < 3) throw new Error(`failure ${attempts}`);
        return 'done';
      },
      isTransient: () => true,
      onRetry: (error) => failures.push((error as Error).message),
    });
    expect(value).toBe('done');
    expect(failures).toEqual(['failure 1', 'failure 2']);
  });

  it('throws what waiting cannot mend', async () => {
    const attempt = () => Promise.reject(new Error('for good'));
    await expect(
      retryUntil(new AbortController().signal, { ...never, attempt, isTransient: () => false }),
    ).rejects.toThrow('for good');
  });

  it('ends without a value when it is aborted, also in the middle of a pause', async () => {
    const stopping = new AbortController();
    const value = await retryUntil(stopping.signal, {
      ...never,
      attempt: () => Promise.reject(new Error('not yet')),
      onRetry: () => stopping.abort(),
    });
    expect(value).toBeUndefined();
  });
});
