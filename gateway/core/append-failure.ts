import { type Outcome, rejected, unanswered } from './outcome.ts';
import type { Passage } from './passage.ts';
import { stageFailure } from './stage-failure.ts';

/**
 * What becomes of a record at whose append something threw. An encoder that fails fails at this message for ever: it is
 * rejected. A sink that fails (no memory for a buffer) does so at this time only: then the record has no answer (rule 2),
 * and the pipeline passes the failure on, which ends the session, so that the device sends it again.
 *
 * @param encode encodes the record once more, without the sink.
 */
export function appendFailure(passage: Passage, error: unknown, encode: () => unknown): Outcome {
  try {
    encode();
  } catch {
    return rejected(stageFailure(passage.plan.stageObserver, 'encode', error));
  }
  passage.sinkFailure = error;
  return unanswered;
}
