import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaTool } from '../../deploy/local/tools.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { readTopic } from '../support/kafka-reader.ts';
import { decodeWithRegistry } from '../support/registered-avro.ts';
import { sharedServers } from '../support/servers.ts';
import { bayEvent, encodeMessage, telemetryPayload, vehicleReport } from '../support/telemetry.ts';

describe('the way of a publish from the device to Kafka and back to its PUBACK', () => {
  let gateway: GatewayProcess;
  let made: GatewaySettings;
  let folder: string;
  let secrets: ReadonlyMap<string, string>;
  const { bootstrap, registryUrl } = sharedServers();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'first-publish-'));
    const databasePath = join(folder, 'devices.sqlite');
    secrets = await registerDevices(databasePath, [
      { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' },
      { deviceId: 'dev-2', kind: 'vehicle', boundTo: 'veh-2' },
      { deviceId: 'dev-bay', kind: 'bay', boundTo: 'bay-1' },
    ]);
    made = gatewaySettings({ bootstrap, registryUrl, databasePath });
    gateway = await GatewayProcess.start(made.settings);
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const connect = (username: string, protocolVersion: 4 | 5, extra: object = {}) =>
    mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      protocolVersion,
      clientId: `${username}-${protocolVersion}`,
      username,
      password: secrets.get(username) ?? '',
      reconnectPeriod: 0,
      ...extra,
    });

  it.each([
    [4, 1],
    [5, 1],
    [4, 2],
    [5, 2],
  ] as const)(
    'MQTT.js in protocol version %i is acknowledged at QoS %i for what a reader then finds on Kafka',
    async (version, qos) => {
      const client = await connect('dev-1', version);
      const sequence = version * 10 + qos;
      const report = vehicleReport('veh-1', sequence, { faultCodes: ['P0A80'] });
      await client.publishAsync('v1/vehicles/veh-1/telemetry', encodeMessage('VehicleTelemetry', report), { qos });
      await client.endAsync();

      const records = await readTopic(bootstrap, made.eventsTopic);
      const record = records.find(({ headers }) => headers.ce_id === `dev-1:7:${sequence}`);
      const { eventTimeUs } = report as { eventTimeUs: number };
      expect(record).toMatchObject({
        key: 'veh-1',
        timestampMs: Math.floor(eventTimeUs / 1000),
        headers: {
          ce_specversion: '1.0',
          ce_type: 'com.mobilitycorp.vehicle.telemetry.v1',
          ce_source: '/edge-ingest-gateway',
          ce_subject: 'veh-1',
          ce_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z$/),
          ce_receivedtime: expect.stringMatching(/^\d{4}-/),
        },
      });
      const value = await decodeWithRegistry(registryUrl, record?.value ?? null);
      expect(value).toMatchObject({
        vehicleId: 'veh-1',
        bootId: 7,
        sequence,
        eventTimeUs,
        faultCodes: ['P0A80'],
        position: { latitudeDeg: 52.52, longitudeDeg: 13.405 },
      });
      expect(value.batteryLevel).toBeCloseTo(0.74, 5);
    },
  );

  it('one PUBLISH with a batch becomes as many records, in order, and is acknowledged when all of them are on Kafka', async () => {
    const client = await connect('dev-2', 5);
    const items = Array.from({ length: 40 }, (_, i) => vehicleReport('veh-2', 100 + i));
    await client.publishAsync('v1/vehicles/veh-2/telemetry/batch', encodeMessage('VehicleTelemetryBatch', { items }), {
      qos: 1,
    });
    await client.endAsync();
    const records = (await readTopic(bootstrap, made.eventsTopic)).filter(({ key }) => key === 'veh-2');
    expect(records.map(({ headers }) => headers.ce_id)).toEqual(items.map((_, i) => `dev-2:7:${100 + i}`));
  });

  it('a bay event has the key of the vehicle that stands in it, else of the bay', async () => {
    const client = await connect('dev-bay', 4);
    const publish = (fields: object) =>
      client.publishAsync('v1/bays/bay-1/events', encodeMessage('BayOccupancy', fields), { qos: 1 });
    await publish(bayEvent('bay-1', 1, { vehicleId: 'veh-77' }));
    await publish(bayEvent('bay-1', 2, { state: 1 }));
    await client.endAsync();
    const records = await readTopic(bootstrap, made.eventsTopic);
    const keyOf = (id: string) => records.find(({ headers }) => headers.ce_id === id)?.key;
    expect([keyOf('dev-bay:9:1'), keyOf('dev-bay:9:2')]).toEqual(['veh-77', 'bay-1']);
  });

  it('a will reaches Kafka when its device vanishes', async () => {
    const payload = telemetryPayload('veh-1', 5000);
    const client = await connect('dev-1', 4, { will: { topic: 'v1/vehicles/veh-1/telemetry', payload, qos: 1 } });
    client.stream.destroy();
    const deadline = Date.now() + 20_000;
    let found = false;
    while (!found && Date.now() < deadline) {
      const records = await readTopic(bootstrap, made.eventsTopic);
      found = records.some(({ headers }) => headers.ce_id === 'dev-1:7:5000');
    }
    expect(found).toBe(true);
  });

  it("the partition of a key is the one that Kafka's own tools choose", async () => {
    const client = await connect('dev-1', 5);
    await client.publishAsync('v1/vehicles/veh-1/telemetry', telemetryPayload('veh-1', 6000), { qos: 1 });
    await client.endAsync();
    // The same keys written by Kafka's console producer, into a topic with as many partitions.
    const mirror = gatewaySettings({ bootstrap, registryUrl });
    const brokers = bootstrap.join(',');
    const keys = ['veh-1', 'veh-2', 'veh-77', 'bay-1'];
    await kafkaTool('org.apache.kafka.tools.TopicCommand', [
      ...['--bootstrap-server', brokers, '--create', '--topic', mirror.eventsTopic, '--partitions', '6'],
    ]);
    await kafkaTool(
      'org.apache.kafka.tools.ConsoleProducer',
      [
        ...['--bootstrap-server', brokers, '--topic', mirror.eventsTopic],
        ...['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:'],
      ],
      { stdin: keys.map((key) => `${key}:x\n`).join('') },
    );
    const partitionsOf = async (topic: string) =>
      new Map((await readTopic(bootstrap, topic)).map(({ key, partition }) => [key, partition]));
    const ours = await partitionsOf(made.eventsTopic);
    const javas = await partitionsOf(mirror.eventsTopic);
    expect(javas.size).toBe(keys.length);
    expect(keys.map((key) => ours.get(key))).toEqual(keys.map((key) => javas.get(key)));
  });

  it('a wrong password and an unknown device are refused, and so is nobody at all', async () => {
    await expect(connect('dev-1', 5, { password: 'wrong' })).rejects.toThrow(/bad user/i);
    await expect(connect('dev-9', 5)).rejects.toThrow(/bad user/i);
    await expect(connect('dev-1', 4, { username: undefined, password: undefined })).rejects.toThrow(/bad user/i);
  });
});
