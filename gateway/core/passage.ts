import type { Message } from './codec.ts';
import type { DeviceEvent } from './event.ts';
import type { PipelinePlan, RoutePlan } from './plan.ts';
import type { Publish } from './publish.ts';
import type { RecordSink } from './record-sink.ts';

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
  /** Set by enrich. */
  events!: readonly DeviceEvent[];

  constructor(publish: Publish, sink: RecordSink, plan: PipelinePlan) {
    this.publish = publish;
    this.sink = sink;
    this.plan = plan;
  }
}
