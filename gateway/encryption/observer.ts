import type { KeysRead } from './key-ring.ts';

/** What is reported of keys. Must not block or throw. */
export interface KeysObserver {
  /** @param cause for the log: `start`, a signal, or the file that has changed. */
  keysLoaded(cause: string, read: KeysRead): void;
  /** Those from before still apply. */
  keysRefused(cause: string, code: string, problem: string): void;
}
