import { describe, expect, test } from 'vitest';
import { waitFor } from '../../deploy/local/wait-for.ts';

describe('waitFor', () => {
  test('returns what the condition answers once it is met', async () => {
    let looks = 0;
    const met = await waitFor(() => (++looks < 3 ? undefined : looks), {
      deadlineMs: 5000,
      everyMs: 1,
      what: 'a look',
    });
    expect(met).toBe(3);
  });

  test('takes 0 and the empty text for met', async () => {
    expect(await waitFor(() => 0, { deadlineMs: 5000, what: 'zero' })).toBe(0);
    expect(await waitFor(() => '', { deadlineMs: 5000, what: 'nothing' })).toBe('');
  });

  test('names what it waited for, and keeps the last error as the cause', async () => {
    const failure = new Error('connection refused');
    const waiting = waitFor(() => Promise.reject(failure), { deadlineMs: 20, everyMs: 1, what: 'the broker' });
    await expect(waiting).rejects.toMatchObject({ message: expect.stringContaining('the broker'), cause: failure });
  });

  test('does not outlast its deadline for a look that hangs', async () => {
    const waiting = waitFor(() => new Promise<true>(() => undefined), { deadlineMs: 20, what: 'a hanging look' });
    await expect(waiting).rejects.toThrow('a hanging look');
  });

  test('ends with the reason of its signal', async () => {
    const giveUp = new AbortController();
    const waiting = waitFor(() => false, { deadlineMs: 60_000, everyMs: 1, what: 'never', signal: giveUp.signal });
    giveUp.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
  });
});
