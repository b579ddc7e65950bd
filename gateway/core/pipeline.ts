import { noPlace } from './duplicates/device-windows.ts';
import type { Rejection } from './outcome.ts';
import { Passage } from './passage.ts';
import { type PipelineOptions, planPipeline } from './plan.ts';
import type { Publish } from './publish.ts';
import type { RecordSink } from './record-sink.ts';
import { stageFailure } from './stage-failure.ts';
import { authorize } from './stages/authorize.ts';
import { decode } from './stages/decode.ts';
import { deduplicate, deviceKey } from './stages/deduplicate.ts';
import { derive } from './stages/derive.ts';
import { encode } from './stages/encode.ts';
import { enrich } from './stages/enrich.ts';
import { validate } from './stages/validate.ts';
import type { TrackedEvent } from './tracked-event.ts';

/** authorize → decode → validate → enrich → deduplicate → derive → encode, for one publish. Pure but for the writes to `sink`. */
export interface Pipeline {
  /**
   * Returns a rejection and has written nothing, or returns undefined and has appended every record of the publish to
   * the sink (after `publish.expect`), which settles them later. A stage that throws is a rejection, `internal_error`.
   *
   * @throws what the sink throws, when everything that it did not take has been settled as unanswered.
   */
  run(publish: Publish, sink: RecordSink): Rejection | undefined;
}

/** Takes a publish one step further, or says why it can never be taken. */
type Stage = (passage: Passage) => Rejection | undefined;

/**
 * The way of a message. Only the last stage writes, and what `derive` has moved on is taken back when nothing was written: so
 * a rejection leaves nothing behind.
 */
const stages: readonly Stage[] = [authorize, decode, validate, enrich, deduplicate, derive, encode];

/** @throws {RouteError} when the routes contradict each other, themselves or the codecs. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const plan = planPipeline(options);
  return {
    run(publish, sink) {
      const passage = new Passage(publish, sink, plan);
      const rejection = pass(passage);
      if (rejection !== undefined) {
        dropStep(passage);
        return rejection;
      }
      if (passage.step !== undefined) plan.alerts?.alerting.take(passage.step);
      track(passage);
      if (passage.sinkFailure !== undefined) throw passage.sinkFailure;
      return undefined;
    },
  };
}

/** Whatever throws here does so before the first record was appended: `encode` sees to that, and settling never throws. */
function pass(passage: Passage): Rejection | undefined {
  let stage: Stage = authorize;
  try {
    for (stage of stages) {
      const rejection = stage(passage);
      if (rejection !== undefined) return rejection;
    }
    return undefined;
  } catch (error) {
    return stageFailure(passage.plan.stageObserver, stage.name, error);
  }
}

/** Everything was appended: from now on copies of its events are known. */
function track({ plan, publish, subject, events, copies, place: known }: Passage): void {
  const { windows } = plan;
  let place = known;
  for (let i = 0; i < events.length; i++) {
    const event = events[i] as TrackedEvent;
    if (place < 0 && event.sequence >= 0) place = windows?.takePlace(deviceKey(publish.identity, subject)) ?? noPlace;
    event.appended(windows, place);
  }
  if (windows !== undefined) copies?.settle(publish, windows, place);
}

/** Nothing of the publish was appended: its vehicle is as before. */
function dropStep({ plan, publish, step }: Passage): void {
  if (step === undefined) return;
  publish.trail = undefined;
  plan.alerts?.alerting.drop(step);
}
