import type { Alert } from './alerts/alert.ts';
import type { PublishStep } from './alerts/alerting.ts';
import { noAlerts } from './alerts/derive.ts';
import type { Message } from './codec.ts';
import { noPlace } from './duplicates/device-windows.ts';
import type { FoundCopies } from './duplicates/found-copies.ts';
import type { PipelinePlan, RoutePlan } from './plan.ts';
import type { Publish } from './publish.ts';
import type { RecordSink } from './record-sink.ts';
import type { TrackedEvent } from './tracked-event.ts';

/** One publish on its way through the stages; each stage fills in what the next ones need. */
export class Passage {
  readonly publish: Publish;
  readonly sink: RecordSink;
  readonly plan: PipelinePlan;
  /** Set by authorize. */
  route!: RoutePlan;
  /** Values of the named levels of the route's pattern. Set by authorize. */
  levels!: readonly string[];
  /** Id of the vehicle or bay that the topic belongs to. Set by authorize. */
  subject!: string;
  /** One message, the items of a batch, or none for a raw payload. Set by decode. */
  messages: readonly Message[] = [];
  /** Those that are to be written. Set by enrich; deduplicate leaves out copies. */
  events!: readonly TrackedEvent[];
  /** Where the device is remembered. Set by deduplicate. */
  place = noPlace;
  /** What deduplicate left out. */
  copies: FoundCopies | undefined;
  /** What the events cause, in their order. Set by derive. */
  alerts: readonly Alert[] = noAlerts;
  /** How the state of the vehicle moves with the publish. Set by derive when it does. */
  step: PublishStep | undefined;
  /** What the sink threw at one of the records. Set by encode. */
  sinkFailure: unknown;

  constructor(publish: Publish, sink: RecordSink, plan: PipelinePlan) {
    this.publish = publish;
    this.sink = sink;
    this.plan = plan;
  }
}
