import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Access } from '../../../gateway/core/access.ts';
import { defaultRules } from '../../../gateway/core/authorization/default-rules.ts';
import { RuleSet } from '../../../gateway/core/authorization/rule-set.ts';
import type { Identity } from '../../../gateway/core/identity.ts';
import { createPipeline } from '../../../gateway/core/pipeline.ts';
import { Recall } from '../../../gateway/core/recall.ts';
import { RouteTable } from '../../../gateway/core/route-table.ts';
import {
  anonymous,
  bay,
  bayEvent,
  defaultOptions,
  protobufBytes,
  receivedAtMs,
  report,
  run,
  TestPublish,
  TestSink,
  telemetry,
} from './fixture.ts';

const pipeline = createPipeline(defaultOptions);

/** Each device has one for as long as it is connected. */
const identities = ['veh-7', 'veh-8', 'vëh-9'].map(
  (boundTo): Identity => ({ deviceId: `unit of ${boundTo}`, kind: 'vehicle', boundTo }),
);

/** A publish of one of few vehicles, with few of everything: what came before is often, and seldom quite, the same. */
const publish = fc
  .record({
    identity: fc.constantFrom(...identities),
    // One connection may be taken over by another device of the same vehicle.
    isOther: fc.boolean(),
    type: fc.constantFrom(['telemetry', 'VehicleTelemetry'], ['battery', 'BatteryStatus']),
    bootId: fc.constantFrom(0, 7, 4_000_000_000),
    sequence: fc.constantFrom(0, 1, 9, 10, 11, 99, 100, 999_999, 1_000_000, 2 ** 53 - 2),
    lateMs: fc.constantFrom(0, 1, 999, 86_400_000, 40 * 86_400_000),
    afterMs: fc.integer({ min: 0, max: 2000 }),
    traceparent: fc.constantFrom(undefined, '00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01'),
    correlationId: fc.constantFrom(undefined, 'c-1'),
  })
  .map(({ identity, isOther, type, bootId, sequence, lateMs, afterMs, traceparent, correlationId }) => {
    const [topic, message] = type as [string, string];
    const vehicleId = identity.boundTo;
    const at = receivedAtMs + afterMs;
    const { faultCodes: _, ...fields } = report;
    const payload = protobufBytes(message, {
      ...(message === 'VehicleTelemetry' ? fields : { batteryLevel: 0.5 }),
      ...{ vehicleId, bootId, sequence, eventTimeUs: (at - lateMs) * 1000 + (sequence % 1000) },
    });
    const path = `v1/vehicles/${vehicleId}/${topic}`;
    return {
      identity: isOther ? { ...identity, deviceId: 'other' } : identity,
      topic: path,
      payload,
      receivedAtMs: at,
      traceparent,
      correlationId,
    };
  });

const written = (fields: ConstructorParameters<typeof TestPublish>[0]) => {
  const sink = new TestSink();
  const rejection = pipeline.run(new TestPublish(fields), sink);
  return { rejection, records: sink.records.map((record) => ({ ...record, settleable: undefined })) };
};

describe('what is remembered from one publish to the next', () => {
  it('changes nothing of what is written', () => {
    let records = 0;
    fc.assert(
      fc.property(fc.array(publish, { minLength: 10, maxLength: 60 }), (publishes) => {
        const recall = new Recall();
        for (const each of publishes) {
          const first = written(each);
          expect(written({ ...each, recall })).toEqual(first);
          records += first.records.length;
        }
      }),
    );
    expect(records).toBeGreaterThan(100);
  });

  it.each([
    {
      what: 'one client speaks for several vehicles',
      publishes: ['veh-7', 'veh-8', 'veh-8', 'veh-7'].map((vehicleId) => ({
        identity: anonymous,
        topic: `v1/vehicles/${vehicleId}/telemetry`,
        payload: telemetry({ vehicleId }),
      })),
    },
    {
      what: 'a bay has one vehicle after the other',
      publishes: ['veh-7', 'veh-8', 'veh-8', 'veh-7'].map((vehicleId) => ({
        identity: bay,
        topic: 'v1/bays/bay-3/events',
        payload: bayEvent({ vehicleId }),
      })),
    },
    {
      what: 'one client speaks for several bays with the same vehicle',
      publishes: ['bay-3', 'bay-4', 'bay-4', 'bay-3'].map((bayId) => ({
        identity: anonymous,
        topic: `v1/bays/${bayId}/events`,
        payload: bayEvent({ bayId }),
      })),
    },
  ])('changes nothing where $what', ({ publishes }) => {
    const recall = new Recall();
    for (const each of publishes) {
      const first = written(each);
      expect(first.records).toHaveLength(1);
      expect(written({ ...each, recall })).toEqual(first);
    }
  });

  it('changes nothing of a batch, of JSON, of a tenant, nor behind a publish that did not fit', () => {
    const items = [9, 10, 11].map((sequence) => ({ ...report, sequence }));
    const batch = {
      topic: 'v1/vehicles/veh-7/telemetry/batch',
      payload: protobufBytes('VehicleTelemetryBatch', { items }),
    };
    const single = { payload: telemetry() };
    const structured = defaultOptions.routes.map((route) => ({ ...route, contentMode: 'structured' as const }));
    for (const options of [
      defaultOptions,
      { ...defaultOptions, tenant: 'north' },
      { ...defaultOptions, routes: structured },
    ]) {
      const through = createPipeline(options);
      const recall = new Recall();
      for (const each of [single, batch, batch, single, single]) {
        const [expected, sink] = [new TestSink(), new TestSink()];
        through.run(new TestPublish(each), expected);
        through.run(new TestPublish({ ...each, recall }), new TestSink(40));
        through.run(new TestPublish({ ...each, recall }), sink);
        expect(sink.records.length).toBeGreaterThan(0);
        expect(sink.records.map(({ value, headers }) => ({ value, headers }))).toEqual(
          expected.records.map(({ value, headers }) => ({ value, headers })),
        );
      }
    }
  });

  it('remembers no headers of more than 2,048 bytes', () => {
    const recall = new Recall();
    const routes = defaultOptions.routes.map((route) => ({ ...route, eventType: 'long.'.repeat(500) }));
    const through = createPipeline({ ...defaultOptions, routes });
    const event = { publish: new TestPublish({}), subject: 'veh-7', key: 'veh-7', bootId: 4_000_000_000, sequence: 42 };
    through.run(new TestPublish({ payload: telemetry(), recall }), new TestSink());
    expect(recall.headers.copy(42, new Uint8Array(10_000), 0)).toBe(0);
    pipeline.run(new TestPublish({ payload: telemetry(), recall }), new TestSink());
    expect(recall.headers.copy(42, new Uint8Array(10_000), 0)).toBeGreaterThan(100);
    expect(recall.headers.isOf({}, { ...event, timeUs: 0, digest: '', message: undefined })).toBe(false);
  });

  it('does not outgrow the room for a record', () => {
    const recall = new Recall();
    const fields = { payload: protobufBytes('VehicleTelemetry', report), recall };
    const [record] = run(fields).records;
    const size = 5 + (record?.value.length ?? 0);
    for (let maxBytes = size; maxBytes < size + 800; maxBytes += 7) {
      const [withRecall, without] = [fields, { payload: fields.payload }].map((each) => {
        const sink = new TestSink(maxBytes);
        return { rejection: pipeline.run(new TestPublish(each), sink)?.reason, count: sink.records.length };
      });
      expect(withRecall).toEqual(without);
    }
  });

  it('finds the route of another topic, and of another table', () => {
    const recall = new Recall();
    const table = new RouteTable(defaultOptions.routes);
    const pattern = (topic: string, of = table) => recall.match(of, topic)?.route.settings.pattern;
    expect(pattern('v1/vehicles/veh-7/telemetry')).toBe('v1/vehicles/{vehicleId}/telemetry');
    expect(pattern('v1/vehicles/veh-7/battery')).toBe('v1/vehicles/{vehicleId}/battery');
    expect(pattern('v1/nowhere')).toBeUndefined();
    expect(pattern('v1/nowhere')).toBeUndefined();
    expect(pattern('v1/vehicles/veh-7/telemetry')).toBe('v1/vehicles/{vehicleId}/telemetry');
    expect(pattern('v1/vehicles/veh-7/telemetry', new RouteTable([]))).toBeUndefined();
  });

  it('asks the rules anew after a reload, for another topic and for another device, and not otherwise', () => {
    const table = new RouteTable(defaultOptions.routes);
    const rules = defaultRules(defaultOptions.routes, 'cmd/{vehicleId}');
    const allowing = new RuleSet(rules);
    const access = new Access(table, allowing);
    const through = createPipeline({ ...defaultOptions, access });
    const recall = new Recall();
    let asked = 0;
    class CountingRules extends RuleSet {
      override mayPublish(...args: Parameters<RuleSet['mayPublish']>) {
        asked += 1;
        return super.mayPublish(...args);
      }
    }
    access.use(new CountingRules(rules));
    const reasonOf = (fields: object = {}) =>
      through.run(new TestPublish({ payload: telemetry(), recall, ...fields }), new TestSink())?.reason;
    expect([reasonOf(), reasonOf(), reasonOf()]).toEqual([undefined, undefined, undefined]);
    expect(asked).toBe(1);
    const foreign = { ...identities[1], deviceId: 'other' } as Identity;
    expect(reasonOf({ identity: foreign })).toBe('not_authorized');
    const [own, others] = ['veh-7', 'veh-8'].map((id) => ({ topic: `v1/vehicles/${id}/telemetry` }));
    expect([reasonOf(own), reasonOf(others), reasonOf(others), reasonOf(own)]).toEqual([
      undefined,
      'not_authorized',
      'not_authorized',
      undefined,
    ]);
    access.use(new RuleSet([]));
    expect([reasonOf(), reasonOf()]).toEqual(['not_authorized', 'not_authorized']);
    access.use(allowing);
    expect(reasonOf()).toBeUndefined();
  });
});
