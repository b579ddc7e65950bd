import { HashThreads } from '../../../gateway/identity/hash-threads.ts';
import type { SecretHash } from '../../../gateway/identity/secret-hash.ts';

const threads = new HashThreads();

/** Verifies as the gateway does. Threads that are idle keep no test from ending. */
export const verifyOnThreads = (secret: Uint8Array, stored: SecretHash): Promise<boolean> =>
  threads.verify(secret, stored);
