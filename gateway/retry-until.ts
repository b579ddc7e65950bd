import { setTimeout as pause } from 'node:timers/promises';

export interface Retry<Value> {
  readonly attempt: () => Promise<Value>;
  /** Whether waiting may mend it; anything else is thrown. */
  readonly isTransient: (error: unknown) => boolean;
  readonly onRetry: (error: unknown) => void;
}

const firstPauseMs = 200;
const longestPauseMs = 5000;

/** Tries until it works, with growing pauses. Resolves to undefined when `signal` is aborted meanwhile. */
export async function retryUntil<Value>(
  signal: AbortSignal,
  { attempt, isTransient, onRetry }: Retry<Value>,
): Promise<Value | undefined> {
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error)) throw error;
      onRetry(error);
    }
    // Rejects only because it was aborted.
    await pause(pauseMs, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
