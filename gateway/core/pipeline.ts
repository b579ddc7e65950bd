import type { Rejection } from './outcome.ts';
import { Passage } from './passage.ts';
import { type PipelineOptions, planPipeline } from './plan.ts';
import type { Publish } from './publish.ts';
import type { RecordSink } from './record-sink.ts';
import { authorize } from './stages/authorize.ts';
import { decode } from './stages/decode.ts';
import { encode } from './stages/encode.ts';
import { enrich } from './stages/enrich.ts';
import { validate } from './stages/validate.ts';

/** authorize → decode → validate → enrich → encode, for one publish. Pure but for the writes to `sink`. */
export interface Pipeline {
  /**
   * Returns a rejection and has written nothing, or returns undefined and has appended every record of the publish to
   * the sink (after `publish.expect`), which settles them later. Never throws.
   */
  run(publish: Publish, sink: RecordSink): Rejection | undefined;
}

/** Takes a publish one step further, or says why it can never be taken. */
type Stage = (passage: Passage) => Rejection | undefined;

/** The way of a message. Only the last stage writes, so a rejection by any other leaves nothing behind. */
const stages: readonly Stage[] = [authorize, decode, validate, enrich, encode];

/** @throws {RouteError} when the routes contradict each other, themselves or the codecs. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const plan = planPipeline(options);
  return {
    run(publish, sink) {
      const passage = new Passage(publish, sink, plan);
      for (const stage of stages) {
        const rejection = stage(passage);
        if (rejection !== undefined) return rejection;
      }
      return undefined;
    },
  };
}
