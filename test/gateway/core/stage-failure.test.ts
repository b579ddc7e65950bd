import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../gateway/contract/contract.ts';
import { AlertRecordEncoder } from '../../../gateway/core/alerts/alert-record.ts';
import { Alerting } from '../../../gateway/core/alerts/alerting.ts';
import { compileRules } from '../../../gateway/core/alerts/compile.ts';
import type { Rule } from '../../../gateway/core/alerts/rules/rule.ts';
import { TrackedVehicles } from '../../../gateway/core/alerts/state/tracked-vehicles.ts';
import type { RecordCodec, RouteCodec } from '../../../gateway/core/codec.ts';
import { Ingest } from '../../../gateway/core/ingest.ts';
import { LetterCap } from '../../../gateway/core/letter-cap.ts';
import { delivered, unanswered } from '../../../gateway/core/outcome.ts';
import { createPipeline } from '../../../gateway/core/pipeline.ts';
import type { PipelineOptions } from '../../../gateway/core/plan.ts';
import type { RecordSink } from '../../../gateway/core/record-sink.ts';
import { ruleSettings } from './alerts/fixture.ts';
import { Account, deadLetterTopic, HeldSink } from './duplicates/support.ts';
import { defaultOptions, protobufBytes, registered, report, TestPublish, telemetry } from './fixture.ts';

const defect = new TypeError('a defect');
const fail = (): never => {
  throw defect;
};

/** The core, into which defects can be put, behind it a sink that fails at what `failsAt` says. */
class Core {
  readonly held = new HeldSink();
  readonly account = new Account();
  readonly failures: [stage: string, error: unknown][] = [];
  failsAt: (topic: string, appended: number) => boolean = () => false;
  readonly #ingest: Ingest;

  constructor(options: Partial<PipelineOptions>) {
    const sink: RecordSink = {
      append: (topic, ...rest) => {
        if (this.failsAt(topic, this.held.appended)) fail();
        return this.held.append(topic, ...rest);
      },
    };
    const stageObserver = { stageFailed: (stage: string, error: unknown) => this.failures.push([stage, error]) };
    this.#ingest = new Ingest({
      pipeline: createPipeline({ ...defaultOptions, ...options, stageObserver }),
      ...{ sink, deadLetterTopic, source: '/gateway', observer: this.account, pressure: () => 0 as const },
      stageObserver,
      letterCap: new LetterCap({ maxPerDevicePerMinute: 1, burstPerDevice: 1, maxDevices: 10 }),
    });
  }

  send(payload = telemetry(), topic = 'v1/vehicles/veh-7/telemetry'): TestPublish {
    const publish = new TestPublish({ payload, topic });
    this.receive(publish);
    return publish;
  }

  receive(publish: TestPublish): void {
    this.#ingest.receive(publish);
  }

  settleAll(): void {
    while (this.held.held.length > 0) this.held.settle(delivered);
  }
}

const rejectedForIt = [
  { kind: 'rejected', rejection: expect.objectContaining({ reason: 'internal_error' }) as unknown },
];

const contracts = loadContracts({
  routes: [],
  records: [{ name: 'alert', kafkaTopic: 'alerts', schema: 'alert.avsc' }],
});
const ids = new Map(contracts.schemas.map(({ subject }) => [subject, 77]));
const alertCodec = contracts.recordCodecs(registered(ids)).get('alert') as RecordCodec;

function alertsWith(rules: readonly Rule[]) {
  const observer = { derived: () => undefined, durable: () => undefined, takenBack: () => undefined };
  const alerting = new Alerting({ rules, vehicles: new TrackedVehicles(10), observer, keep: () => undefined });
  return { alerting, kafkaTopic: 'alerts', encoder: new AlertRecordEncoder(alertCodec, { source: '/gateway' }) };
}

function codecsWith(change: (codec: RouteCodec) => RouteCodec): ReadonlyMap<string, RouteCodec> {
  return new Map([...defaultOptions.codecs].map(([pattern, codec]) => [pattern, change(codec)]));
}

const batchTopic = 'v1/vehicles/veh-7/telemetry/batch';
const batch = (items: readonly object[]) => protobufBytes('VehicleTelemetryBatch', { items });

describe('a stage that throws', () => {
  it.each<[string, string, Partial<PipelineOptions>]>([
    ['a rule of alerts', 'derive', { alerts: alertsWith([{ apply: fail }]) }],
    [
      'a decoder',
      'decode',
      {
        codecs: codecsWith((codec) => ({
          ...codec,
          decoder: { ...codec.decoder, decode: fail } as RouteCodec['decoder'],
        })),
      },
    ],
  ])('makes its publish a dead letter and touches no other: %s', (_, stage, options) => {
    const core = new Core(options);
    // Also beyond the device's share of letters: it is not at fault.
    const publishes = [core.send(), core.send(), core.send()];
    expect(core.held.held.map(({ topic }) => topic)).toEqual(Array(3).fill(deadLetterTopic));
    expect(publishes.map(({ answers }) => answers)).toEqual([[], [], []]);
    core.settleAll();
    for (const { answers } of publishes) expect(answers).toEqual(rejectedForIt);
    expect(core.account.counts).toEqual({ received: 3, lettered: 3 });
    expect(core.failures).toEqual(Array(3).fill([stage, defect]));
    const answer = core.send(Buffer.from('ok'), 'v1/vehicles/veh-7/commands/cmd-1/ack');
    core.settleAll();
    expect(answer.answers).toEqual([delivered]);
  });

  it('leaves the state of the vehicle as it was: the next report raises what this one could not', () => {
    let isBroken = true;
    const [lowBattery, ...others] = compileRules(ruleSettings, []);
    const rule: Rule = {
      apply: (event, message, state, alerts) => {
        const found = lowBattery?.apply(event, message, state, alerts);
        return isBroken ? fail() : found;
      },
    };
    const core = new Core({ alerts: alertsWith([rule, ...others]) });
    const low = (sequence: number) => core.send(telemetry({ batteryLevel: 0.05, faultCodes: [], sequence }));
    low(1);
    core.settleAll();
    isBroken = false;
    low(2);
    expect(core.held.held.map(({ topic }) => topic)).toEqual(['veh.events.raw', 'alerts']);
  });

  it('in the encoder, at a later record than the first, settles everything once, and writes no alert of what it failed at', () => {
    let isBroken = () => false;
    const codecs = codecsWith((codec) => ({
      ...codec,
      get framing() {
        return isBroken() ? fail() : codec.framing;
      },
    }));
    const core = new Core({ codecs, alerts: alertsWith(compileRules(ruleSettings, [])) });
    isBroken = () => core.held.appended > 0;
    // As of a sink that encodes.
    core.failsAt = (topic) => topic !== deadLetterTopic && isBroken();
    const items = [0.9, 0.05, 0.9].map((batteryLevel, i) => ({
      ...report,
      batteryLevel,
      faultCodes: [],
      sequence: i + 1,
    }));
    const publish = core.send(batch(items), batchTopic);
    const appended: string[] = [];
    while (core.held.held.length > 0) appended.push(core.held.settle(delivered).topic);
    expect(appended).toEqual(['veh.events.raw', deadLetterTopic]);
    expect(publish.answers).toEqual(rejectedForIt);
    expect(core.account.counts).toEqual({ received: 1, lettered: 1 });
    expect(core.failures.every(([stage, error]) => stage === 'encode' && error === defect)).toBe(true);
  });

  it('leaves the publish without an answer when its dead letter fails as well', () => {
    const core = new Core({ alerts: alertsWith([{ apply: fail }]) });
    core.failsAt = () => true;
    const publish = core.send();
    expect(publish.answers).toEqual([unanswered]);
    expect(core.account.counts).toEqual({ received: 1, unanswered: 1 });
    expect(core.failures.map(([stage]) => stage)).toEqual(['derive', 'dead_letter', 'dead_letter']);
  });
});

describe('a sink that throws', () => {
  it.each([
    ['the first record', 0, []],
    ['a later one, when others have been appended', 1, ['veh.events.raw']],
  ])('at %s, ends the session, and leaves the publish without an answer, to be sent again', (_, index, topics) => {
    const core = new Core({});
    let attempts = 0;
    core.failsAt = () => attempts++ === index;
    const items = [1, 2, 3].map((sequence) => ({ ...report, sequence }));
    const publish = new TestPublish({ payload: batch(items), topic: batchTopic });
    expect(() => core.receive(publish)).toThrow(defect);
    // Nothing behind it either, which would be ahead of it when it comes again.
    expect(core.held.held.map(({ topic }) => topic)).toEqual(topics);
    core.settleAll();
    expect(publish.answers).toEqual([unanswered]);
    expect(core.account.counts).toEqual({ received: 1, unanswered: 1 });
    expect(core.failures).toEqual([]);
    core.send(batch(items), batchTopic);
    core.settleAll();
    expect(core.account.counts).toEqual({ received: 2, unanswered: 1, delivered: 1 });
  });

  it('at an alert leaves its event without an answer, too, and the alert comes when it is sent again', () => {
    const core = new Core({ alerts: alertsWith(compileRules(ruleSettings, [])) });
    let isBroken = true;
    core.failsAt = (topic) => topic === 'alerts' && isBroken;
    const payload = telemetry({ batteryLevel: 0.05, faultCodes: [] });
    const publish = new TestPublish({ payload, topic: 'v1/vehicles/veh-7/telemetry' });
    expect(() => core.receive(publish)).toThrow(defect);
    expect(publish.answers).toEqual([]);
    core.settleAll();
    expect(publish.answers).toEqual([unanswered]);
    isBroken = false;
    core.send(payload);
    expect(core.held.held.map(({ topic }) => topic)).toEqual(['veh.events.raw', 'alerts']);
  });
});
