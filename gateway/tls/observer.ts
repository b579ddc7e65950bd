import type { TlsFacts } from './material.ts';

/** Told of the files of TLS. */
export interface TlsFilesObserver {
  /** Files apply from now on. @param cause `start`, a signal, or the files that changed. */
  filesLoaded(listener: string, cause: string, facts: TlsFacts): void;
  /** New files can't be used; those before still apply. */
  filesRefused(listener: string, cause: string, code: string, problem: string): void;
  /** Something is not as it should be, and works nevertheless. */
  filesQuestionable(listener: string, warning: string): void;
  /** Connections were ended, as their certificates are revoked by now. */
  revokedEnded(listener: string, connections: number): void;
}
