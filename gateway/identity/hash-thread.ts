import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { type SecretHash, verifySecretSync } from './secret-hash.ts';

/** What a thread is asked. */
export interface HashRequest {
  readonly secret: Uint8Array;
  readonly stored: SecretHash;
}

/** What it answers: whether it is the secret, or why that can't be said. */
export type HashAnswer = { readonly isRight: boolean } | { readonly problem: string };

/** A tenth of a core that the event loop wants as well (`sched(7)`: each step is some 1.25 times the weight). */
const niceness = 10;

// Linux has a priority for each thread; elsewhere it would be the gateway's own.
if (process.platform === 'linux') {
  try {
    setPriority(0, niceness);
  } catch {
    // A sandbox may not allow it: then hashes only take more from the others.
  }
}

function answer({ secret, stored }: HashRequest): HashAnswer {
  try {
    return { isRight: verifySecretSync(secret, stored) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (request: HashRequest) => parentPort?.postMessage(answer(request)));
