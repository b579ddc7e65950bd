import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKafka, startKafka } from '../../deploy/local/kafka.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { readTopic } from '../support/kafka-reader.ts';
import { sharedServers } from '../support/servers.ts';
import { encodeMessage, telemetryPayload, vehicleReport } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const telemetry = 'v1/vehicles/veh-1/telemetry';
const deadlineMs = 30_000;

describe('what a device sends again', () => {
  let kafka: LocalKafka;
  let gateway: GatewayProcess;
  let made: GatewaySettings;
  let folder: string;
  let password: string;
  const { registryUrl } = sharedServers();
  const clients: MqttClient[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'duplicates-'));
    kafka = await startKafka({ brokers: 1 });
    const databasePath = join(folder, 'devices.sqlite');
    const secrets = await registerDevices(databasePath, [{ deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' }]);
    password = secrets.get('dev-1') as string;
    made = gatewaySettings({ bootstrap: kafka.bootstrap, registryUrl, databasePath });
    gateway = await GatewayProcess.start(made.settings);
  });
  afterEach(async () => {
    for (const broker of kafka.brokers) broker.resume();
    await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await kafka?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const connect = async (clientId: string) => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      ...{ protocolVersion: 5, clientId, username: 'dev-1', password, reconnectPeriod: 0 },
    });
    clients.push(client);
    return client.on('error', () => {});
  };
  const idsOf = async (...sequences: number[]) => {
    const wanted = sequences.map((sequence) => `dev-1:7:${sequence}`);
    const records = await readTopic(kafka.bootstrap, made.eventsTopic);
    return records.map(({ headers }) => headers.ce_id ?? '').filter((id) => wanted.includes(id));
  };
  const inFlight = (count: number) =>
    waitFor(async () => (await gateway.metric('edge_publishes_in_flight')) === count, {
      deadlineMs,
      what: `${count} publishes in flight`,
    });
  const expectAccounts = async () => {
    const before = await gateway.metric('edge_accounting_checks_total');
    await waitFor(async () => (await gateway.metric('edge_accounting_checks_total')) > before, {
      deadlineMs,
      what: 'a self-check of the gateway',
    });
    expect(await gateway.metric('edge_accounting_mismatch')).toBe(0);
  };

  it('after its PUBACK, as a new publish without DUP, is acknowledged again and once on Kafka', async () => {
    const before = await gateway.metric('edge_publishes_duplicate_total');
    const client = await connect('c-1');
    const reported = vehicleReport('veh-1', 1);
    const payload = encodeMessage('VehicleTelemetry', reported);
    for (const qos of [1, 1, 2] as const) await client.publishAsync(telemetry, payload, { qos });
    const items = [reported, vehicleReport('veh-1', 2)];
    const batch = encodeMessage('VehicleTelemetryBatch', { items });
    for (let i = 0; i < 2; i++) await client.publishAsync(`${telemetry}/batch`, batch, { qos: 1 });
    await client.publishAsync(telemetry, payload, { qos: 0 });
    await waitFor(async () => (await gateway.metric('edge_publishes_duplicate_total')) === before + 4, {
      deadlineMs,
      what: 'four duplicates to be counted',
    });
    expect((await idsOf(1, 2)).toSorted()).toEqual(['dev-1:7:1', 'dev-1:7:2']);
    await expectAccounts();
  });

  it('is told from another event of the same sequence, which is a dead letter', async () => {
    const client = await connect('c-1');
    const report = (eventTimeUs: number) => telemetryPayload('veh-1', 5, { eventTimeUs });
    const nowUs = Date.now() * 1000;
    await client.publishAsync(telemetry, report(nowUs), { qos: 1 });
    await expect(client.publishAsync(telemetry, report(nowUs + 1), { qos: 1 })).rejects.toMatchObject({ code: 0x99 });
    expect(await idsOf(5)).toEqual(['dev-1:7:5']);
    const letters = await readTopic(kafka.bootstrap, made.deadLetterTopic);
    expect(letters.map(({ headers }) => headers.dlq_reason)).toEqual(['reused_sequence']);
    expect(letters[0]?.value).toEqual(report(nowUs + 1));
    await expectAccounts();
  });

  it('while Kafka is frozen, over a second connection, waits for the first copy: both are answered, one is written', async () => {
    const [first, second] = [await connect('c-1'), await connect('c-2')];
    for (const broker of kafka.brokers) broker.pause();
    const payload = telemetryPayload('veh-1', 10);
    const answers = [first.publishAsync(telemetry, payload, { qos: 1 })];
    await inFlight(1);
    answers.push(
      second.publishAsync(telemetry, payload, { qos: 1 }),
      second.publishAsync(telemetry, payload, { qos: 2 }),
    );
    await inFlight(3);
    expect(await gateway.metric('edge_duplicate_copies_waiting')).toBe(2);
    await expectAccounts();
    for (const broker of kafka.brokers) broker.resume();
    await Promise.all(answers);
    expect(await idsOf(10)).toEqual(['dev-1:7:10']);
    await inFlight(0);
    await expectAccounts();
  });

  it('while Kafka is frozen, over one new connection after the other, is answered on the last and written once', async () => {
    for (const broker of kafka.brokers) broker.pause();
    const payload = telemetryPayload('veh-1', 20);
    for (let i = 0; i < 8; i++) {
      const lost = await connect('c-1');
      const seen = await gateway.metric('edge_publishes_received_total');
      lost.publishAsync(telemetry, payload, { qos: 1 }).catch(() => {});
      await waitFor(async () => (await gateway.metric('edge_publishes_received_total')) > seen, {
        deadlineMs,
        what: 'the publish to be read',
      });
      lost.stream.destroy();
    }
    const last = await connect('c-1');
    const answer = last.publishAsync(telemetry, payload, { qos: 1 });
    await waitFor(async () => (await gateway.metric('edge_duplicate_copies_waiting')) === 1, {
      deadlineMs,
      what: 'only the copy of the last connection to wait',
    });
    for (const broker of kafka.brokers) broker.resume();
    await answer;
    expect(await idsOf(20)).toEqual(['dev-1:7:20']);
    await inFlight(0);
    await expectAccounts();
  });

  it('in its sequences shows what is missing and what came late', async () => {
    const names = ['gaps_total', 'missing_total', 'late_total'].map((name) => `edge_sequence_${name}`);
    const figures = async () => Promise.all([...names, 'edge_device_resets_total'].map((name) => gateway.metric(name)));
    const before = await figures();
    const client = await connect('c-1');
    for (const sequence of [100, 104, 102]) {
      await client.publishAsync(telemetry, telemetryPayload('veh-1', sequence), { qos: 1 });
    }
    await client.publishAsync(telemetry, telemetryPayload('veh-1', 0, { bootId: 8 }), { qos: 1 });
    const after = await figures();
    expect(after.map((figure, i) => figure - (before[i] as number))).toEqual([2, 79 + 3, 1, 1]);
  });
});
