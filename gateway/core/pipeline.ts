import type { Rejection } from './outcome.ts';
import type { Publish } from './publish.ts';
import type { RecordSink } from './record-sink.ts';

/** authorize → decode → validate → enrich → derive alerts → encode, for one publish. Pure but for the writes to `sink`. */
export interface Pipeline {
  /**
   * Returns a rejection and has written nothing, or returns undefined and has appended every record of the publish to
   * the sink (after `publish.expect`), which settles them later.
   */
  run(publish: Publish, sink: RecordSink): Rejection | undefined;
}
