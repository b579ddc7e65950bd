import type { Rejection } from './outcome.ts';

/** Told of defects of the gateway itself; implemented by observability. Must not throw. */
export interface StageObserver {
  /** A stage of the pipeline threw at a publish, which is rejected for it. */
  stageFailed(stage: string, error: unknown): void;
}

/** Says nothing about the defect, as it goes to the device: the log has it. */
const internalError: Rejection = Object.freeze({
  reason: 'internal_error',
  detail: 'a defect of the gateway: the publish is kept as a dead letter',
});

/** What becomes of a publish at which a stage threw: the defect must not take its session along, nor the publish. */
export function stageFailure(observer: StageObserver | undefined, stage: string, error: unknown): Rejection {
  observer?.stageFailed(stage, error);
  return internalError;
}
