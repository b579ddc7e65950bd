import { Access } from './access.ts';
import type { AlertPlan } from './alerts/append-alerts.ts';
import { defaultRules } from './authorization/default-rules.ts';
import { RuleSet } from './authorization/rule-set.ts';
import type { RouteCodec } from './codec.ts';
import { defaultCommandTopic } from './default-routes.ts';
import type { DeviceWindows } from './duplicates/device-windows.ts';
import type { DeviceEvent } from './event.ts';
import type { RecordOrigin } from './headers/common-headers.ts';
import { eventRecordEncoder } from './headers/event-record.ts';
import type { RecordEncoder } from './record-sink.ts';
import { RouteError, type RouteSettings } from './route.ts';
import { type Route, RouteTable } from './route-table.ts';
import type { StageObserver } from './stage-failure.ts';
import { Envelope } from './validation/envelope.ts';
import { type ClockLimits, type ClockObserver, EventClock } from './validation/event-clock.ts';
import { type FieldRule, fieldRules } from './validation/field-rules.ts';

export interface BatchLimits {
  /** Items of one batch message. */
  readonly maxBatchItems: number;
}

export interface PipelineOptions extends RecordOrigin {
  /** What devices may do. Undefined: what they may by default. */
  readonly access?: Access | undefined;
  readonly routes: readonly RouteSettings[];
  /** Codec of each protobuf route, by the route's pattern. */
  readonly codecs: ReadonlyMap<string, RouteCodec>;
  readonly limits: ClockLimits & BatchLimits;
  readonly clockObserver?: ClockObserver | undefined;
  readonly stageObserver?: StageObserver | undefined;
  /** Bytes of key, value and headers that the sink is certain to take as one record. */
  readonly maxRecordBytes: number;
  /** Undefined: none are derived. */
  readonly alerts?: AlertPlan | undefined;
  /** Which events have been here. Undefined: duplicates are written. */
  readonly windows?: DeviceWindows | undefined;
}

/** Everything that the stages know about a route. */
export interface RoutePlan {
  readonly route: Route;
  /** Undefined: raw. */
  readonly codec: RouteCodec | undefined;
  readonly envelope: Envelope;
  /** Undefined: the message is the operator's own and has no rules of ours. */
  readonly rules: readonly FieldRule[] | undefined;
  readonly encoder: RecordEncoder<DeviceEvent>;
  /** Whether its messages are of vehicles, and have a field that some rule looks at. */
  readonly causesAlerts: boolean;
}

/** The settings of a pipeline, checked and taken apart once. */
export interface PipelinePlan {
  readonly table: RouteTable;
  readonly access: Access;
  /** In the order of `table.routes`. */
  readonly routes: readonly RoutePlan[];
  readonly clock: EventClock;
  /** All items of a batch are written in one turn: this bounds how long others wait for that, and how much it becomes. */
  readonly maxBatchItems: number;
  readonly maxRecordBytes: number;
  readonly alerts: AlertPlan | undefined;
  readonly windows: DeviceWindows | undefined;
  readonly stageObserver: StageObserver | undefined;
  /** Where records of a batch are tried before any of them is appended. */
  readonly scratch: Uint8Array;
}

/** What the rules of alerts look at. */
const ruleFields = ['batteryLevel', 'position', 'faultCodes', 'odometerM', 'speedMps'];

/** @throws {RouteError} naming the route and the setting that contradicts another. */
export function planPipeline(options: PipelineOptions): PipelinePlan {
  const table = new RouteTable(options.routes);
  return {
    table,
    access: options.access ?? new Access(table, new RuleSet(defaultRules(options.routes, defaultCommandTopic))),
    routes: table.routes.map((route) => planRoute(route, options)),
    maxBatchItems: options.limits.maxBatchItems,
    clock: new EventClock(options.limits, options.clockObserver),
    maxRecordBytes: options.maxRecordBytes,
    alerts: options.alerts,
    windows: options.windows,
    stageObserver: options.stageObserver,
    scratch: new Uint8Array(options.maxRecordBytes),
  };
}

function planRoute(route: Route, options: PipelineOptions): RoutePlan {
  const { settings } = route;
  const codec = options.codecs.get(settings.pattern);
  const problem = (text: string) => new RouteError(`route "${settings.pattern}": ${text}`);
  if ((codec === undefined) !== (settings.format === 'raw')) {
    throw problem(codec === undefined ? 'has no codec' : 'is raw and must not have a codec');
  }
  const stray = route.key.fields.find((field) => codec?.decoder.fields.has(field) === false);
  if (stray !== undefined) {
    throw problem(`key "${settings.key}" names the field "${stray}", which ${codec?.decoder.eventMessage} lacks`);
  }
  return {
    route,
    codec,
    envelope: new Envelope(settings.subject, codec?.decoder.fields ?? new Set()),
    rules: codec && fieldRules.get(codec.decoder.eventMessage),
    encoder: eventRecordEncoder(settings, codec, options),
    causesAlerts: settings.deviceKind === 'vehicle' && ruleFields.some((field) => codec?.decoder.fields.has(field)),
  };
}
