import { constants, getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { type SecretHash, verifySecret } from './secret-hash.ts';

/** What a thread is asked. */
export interface HashRequest {
  readonly secret: Uint8Array;
  readonly stored: SecretHash;
}

/** What it answers: whether it is the secret, or why that can't be said. */
export type HashAnswer = { readonly isRight: boolean } | { readonly problem: string };

/** Below the event loop: a tenth of a core that both want (`sched(7)`: each step is some 1.25 times the weight). */
const niceSteps = 10;

// Linux has a priority for each thread; elsewhere it would be the gateway's own.
if (process.platform === 'linux') {
  try {
    setPriority(0, Math.min(getPriority(0) + niceSteps, constants.priority.PRIORITY_LOW));
  } catch {
    // A sandbox may not allow it: then hashes only take more from the others.
  }
}

function answer({ secret, stored }: HashRequest): HashAnswer {
  try {
    return { isRight: verifySecret(secret, stored) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (request: HashRequest) => parentPort?.postMessage(answer(request)));
