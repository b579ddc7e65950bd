import { setTimeout as delay } from 'node:timers/promises';

/** How long to wait, for what (named in the error), and how often to look. */
export interface WaitOptions {
  readonly deadlineMs: number;
  /** Completes the sentence "timed out waiting for …"; a function is asked at the end, so that it can tell the last state. */
  readonly what: string | (() => string);
  /** Pause between two looks; 50 ms by default. */
  readonly everyMs?: number;
  /** Ends the wait early: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a condition may answer while it is not yet met. */
export type NotYet = undefined | null | false;

/**
 * Waits until `condition` answers something truthy-by-type (not undefined, null or false) and returns that. A condition
 * that throws counts as not yet met; its last error becomes the cause of the timeout. One look that hangs does not
 * outlast the deadline.
 *
 * @throws {Error} after `deadlineMs`, naming `what`; or the reason of `signal`
 */
export async function waitFor<T>(condition: () => T | NotYet | Promise<T | NotYet>, options: WaitOptions): Promise<T> {
  const deadline = performance.now() + options.deadlineMs;
  let cause: unknown;
  for (;;) {
    options.signal?.throwIfAborted();
    const leftMs = deadline - performance.now();
    try {
      const met = await withinMs(condition, Math.max(leftMs, 1));
      if (met !== undefined && met !== null && met !== false) {
        return met;
      }
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      const what = typeof options.what === 'function' ? options.what() : options.what;
      throw new Error(`timed out after ${options.deadlineMs} ms waiting for ${what}`, { cause });
    }
    options.signal?.throwIfAborted();
    await delay(Math.min(options.everyMs ?? 50, Math.max(deadline - performance.now(), 1)));
  }
}

async function withinMs<T>(condition: () => T | Promise<T>, ms: number): Promise<T | undefined> {
  const answer = condition();
  if (!(answer instanceof Promise)) {
    return answer;
  }
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    timer.abort();
  }
}
