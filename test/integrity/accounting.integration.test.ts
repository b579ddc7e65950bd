import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKafka, startKafka } from '../../deploy/local/kafka.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';
import { encodeMessage, telemetryPayload, vehicleReport } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const telemetry = 'v1/vehicles/veh-1/telemetry';
const toShed = 100;

/** Rule 7 as /metrics tells it, all figures from one scrape. */
interface Account {
  readonly received: number;
  readonly delivered: number;
  readonly deadLettered: number;
  readonly unlettered: number;
  readonly unkept: number;
  readonly duplicate: number;
  readonly shed: number;
  readonly unanswered: number;
  readonly inFlight: number;
}

async function accountOf(gateway: GatewayProcess): Promise<Account> {
  const samples = await gateway.metrics();
  const sum = (name: string) => {
    const values = samples.filter((sample) => sample.name === name).map(({ value }) => value);
    // A figure that is not exported must not pass for 0.
    if (values.length === 0) throw new Error(`/metrics has no ${name}`);
    return values.reduce((total, value) => total + value, 0);
  };
  return {
    received: sum('edge_publishes_received_total'),
    delivered: sum('edge_publishes_delivered_total'),
    deadLettered: sum('edge_publishes_dead_lettered_total'),
    unlettered: sum('edge_publishes_unlettered_total'),
    unkept: sum('edge_publishes_unkept_total'),
    duplicate: sum('edge_publishes_duplicate_total'),
    shed: sum('edge_publishes_shed_total'),
    unanswered: sum('edge_publishes_unanswered_total'),
    inFlight: sum('edge_publishes_in_flight'),
  };
}

const balance = (a: Account) =>
  a.received -
  a.delivered -
  a.deadLettered -
  a.unlettered -
  a.unkept -
  a.duplicate -
  a.shed -
  a.unanswered -
  a.inFlight;

describe('the account of every publish', () => {
  let kafka: LocalKafka;
  let gateway: GatewayProcess;
  let folder: string;
  let sequence = 0;
  const { registryUrl } = sharedServers();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'accounting-'));
    kafka = await startKafka({ brokers: 1 });
    const { settings } = gatewaySettings({
      bootstrap: kafka.bootstrap,
      registryUrl,
      auth: 'anonymous',
      sections: { shutdown: { drainDeadlineMs: 1000 } },
    });
    const made = settings.kafka as object;
    // A soft watermark that a few publishes exceed, so that QoS 0 is shed.
    gateway = await GatewayProcess.start({ ...settings, kafka: { ...made, maxBatchRecords: 10, softRecords: 20 } });
  });
  afterAll(async () => {
    for (const broker of kafka?.brokers ?? []) broker.resume();
    await gateway?.[Symbol.asyncDispose]();
    await kafka?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The gateway's own check, made after this call, finds nothing. */
  const expectSelfCheck = async () => {
    const before = await gateway.metric('edge_accounting_checks_total');
    await waitFor(async () => (await gateway.metric('edge_accounting_checks_total')) > before, {
      deadlineMs: 30_000,
      what: 'a self-check of the gateway',
    });
    expect(await gateway.metric('edge_accounting_mismatch')).toBe(0);
    expect(gateway.find('accounting_mismatch')).toBeUndefined();
  };

  const connect = async (protocolVersion: 4 | 5) => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      protocolVersion,
      reconnectPeriod: 0,
    });
    return client.on('error', () => {});
  };
  const next = () => {
    sequence += 1;
    return sequence;
  };
  const report = (overrides: object = {}) => telemetryPayload('veh-1', next(), overrides);
  /** A negative acknowledgement is an answer too. */
  const answered = (publish: Promise<unknown>) =>
    publish.then(() => true).catch((e: { code?: unknown }) => 'code' in e);

  it('adds up after valid and invalid publishes of every QoS', async () => {
    for (const version of [4, 5] as const) {
      const client = await connect(version);
      const publishes: Promise<unknown>[] = [];
      for (const qos of [0, 1, 2] as const) {
        const items = [vehicleReport('veh-1', next()), vehicleReport('veh-1', next())];
        publishes.push(
          client.publishAsync(telemetry, report(), { qos }),
          client.publishAsync(`${telemetry}/batch`, encodeMessage('VehicleTelemetryBatch', { items }), { qos }),
          client.publishAsync('v1/vehicles/veh-1/commands/c-1/ack', 'done', { qos }),
          client.publishAsync(telemetry, 'no protobuf', { qos }),
          client.publishAsync(telemetry, report({ batteryLevel: 2 }), { qos }),
          client.publishAsync(telemetry, report({ eventTimeUs: 1 }), { qos }),
          client.publishAsync('v1/nowhere', 'x', { qos }),
        );
      }
      await Promise.all(publishes.map(answered));
      await client.endAsync();
    }
    await waitFor(async () => (await accountOf(gateway)).inFlight === 0, {
      deadlineMs: 30_000,
      what: 'everything to be settled, QoS 0 included',
    });
    expect(await accountOf(gateway)).toEqual({
      received: 42,
      delivered: 24,
      deadLettered: 18,
      unlettered: 0,
      unkept: 0,
      duplicate: 0,
      shed: 0,
      unanswered: 0,
      inFlight: 0,
    });
    await expectSelfCheck();
  });

  it('adds up while Kafka is frozen and QoS 0 is shed, and after it goes on', async () => {
    const before = await accountOf(gateway);
    const client = await connect(5);
    const quiet = await connect(5);
    for (const broker of kafka.brokers) broker.pause();
    const publishes = Array.from({ length: 30 }, () => answered(client.publishAsync(telemetry, report(), { qos: 1 })));
    await waitFor(async () => (await gateway.metric('edge_pressure')) === 1, {
      deadlineMs: 30_000,
      what: 'the soft watermark to be exceeded',
    });
    // A connection without unsettled publishes is still read; its QoS 0 is what is shed.
    for (let i = 0; i < toShed; i += 1) await quiet.publishAsync(telemetry, report(), { qos: 0 });
    await waitFor(async () => (await accountOf(gateway)).shed === toShed, {
      deadlineMs: 30_000,
      what: 'QoS 0 to be shed',
    });
    const frozen = await accountOf(gateway);
    expect(balance(frozen)).toBe(0);
    expect(frozen.inFlight).toBeGreaterThanOrEqual(20);
    expect(frozen.delivered).toBe(before.delivered);
    await expectSelfCheck();

    for (const broker of kafka.brokers) broker.resume();
    expect(await Promise.all(publishes)).not.toContain(false);
    const after = await accountOf(gateway);
    expect(after).toMatchObject({ delivered: before.delivered + 30, shed: toShed, unanswered: 0, inFlight: 0 });
    expect(balance(after)).toBe(0);
    await Promise.all([client.endAsync(), quiet.endAsync()]);
  });

  it('adds up while it stops and leaves unanswered what a frozen Kafka did not take', async () => {
    const before = await accountOf(gateway);
    const client = await connect(5);
    for (const broker of kafka.brokers) broker.pause();
    for (let i = 0; i < 5; i += 1) void answered(client.publishAsync(telemetry, report(), { qos: 1 }));
    await waitFor(async () => (await accountOf(gateway)).inFlight === 5, {
      deadlineMs: 30_000,
      what: 'five in flight',
    });
    gateway.kill('SIGTERM');
    await waitFor(() => gateway.find('gateway_draining') !== undefined, { deadlineMs: 30_000, what: 'the drain' });
    const draining = await accountOf(gateway);
    expect(balance(draining)).toBe(0);
    expect(draining.received).toBe(before.received + 5);
    expect(await gateway.exited()).toBe(1);
    expect(gateway.find('gateway_stopped')).toMatchObject({ unsettled: 5 });
    await client.endAsync(true);
  });
});
