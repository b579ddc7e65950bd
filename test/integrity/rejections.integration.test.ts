import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { type ReadRecord, readTopic } from '../support/kafka-reader.ts';
import { sharedServers } from '../support/servers.ts';
import { bayEvent, encodeMessage, telemetryPayload, vehicleReport } from '../support/telemetry.ts';

interface Refused {
  readonly what: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly reason: string;
  readonly code: number;
}

const twoItems = (second: object) =>
  encodeMessage('VehicleTelemetryBatch', { items: [vehicleReport('veh-1', 900), second] });

const refused: readonly Refused[] = [
  {
    what: 'bytes that are no Protobuf message',
    topic: 'v1/vehicles/veh-1/telemetry',
    payload: Buffer.from([0x0a, 0xff, 0xff, 0xff]),
    reason: 'malformed_payload',
    code: 0x99,
  },
  {
    what: 'a latitude of 91 degrees',
    topic: 'v1/vehicles/veh-1/telemetry',
    payload: telemetryPayload('veh-1', 901, { position: { latitudeDeg: 91, longitudeDeg: 0 } }),
    reason: 'invalid_field',
    code: 0x99,
  },
  {
    what: 'a clock in 1970',
    topic: 'v1/vehicles/veh-1/telemetry',
    payload: telemetryPayload('veh-1', 902, { eventTimeUs: 1 }),
    reason: 'absurd_clock',
    code: 0x99,
  },
  {
    what: "another vehicle's id in the payload",
    topic: 'v1/vehicles/veh-1/telemetry',
    payload: telemetryPayload('veh-2', 903),
    reason: 'wrong_identity',
    code: 0x87,
  },
  {
    what: "another vehicle's topic",
    topic: 'v1/vehicles/veh-2/telemetry',
    payload: telemetryPayload('veh-2', 904),
    reason: 'not_authorized',
    code: 0x87,
  },
  {
    what: 'a topic without a route',
    topic: 'v1/toasters/1/telemetry',
    payload: Buffer.from('x'),
    reason: 'no_route',
    code: 0x90,
  },
  {
    what: 'a batch whose second item is invalid, as a whole',
    topic: 'v1/vehicles/veh-1/telemetry/batch',
    payload: twoItems(vehicleReport('veh-1', 905, { batteryLevel: 1.5 })),
    reason: 'invalid_field',
    code: 0x99,
  },
];

describe('a publish that can never be taken', () => {
  let gateway: GatewayProcess;
  let made: GatewaySettings;
  let folder: string;
  let secret: string;
  const { bootstrap, registryUrl } = sharedServers();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rejections-'));
    const databasePath = join(folder, 'devices.sqlite');
    const devices = await registerDevices(databasePath, [
      { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' },
      { deviceId: 'dev-bay', kind: 'bay', boundTo: 'bay-1' },
    ]);
    secret = devices.get('dev-1') ?? '';
    made = gatewaySettings({
      ...{ bootstrap, registryUrl, databasePath },
      sections: { validation: { absurdClock: 'reject' } },
    });
    gateway = await GatewayProcess.start(made.settings);
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const connect = (protocolVersion: 4 | 5) =>
    mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      protocolVersion,
      clientId: `dev-1-${protocolVersion}`,
      username: 'dev-1',
      password: secret,
      reconnectPeriod: 0,
    });

  const letters = async (topic: string, payload: Buffer): Promise<ReadRecord[]> =>
    (await readTopic(bootstrap, made.deadLetterTopic)).filter(
      (record) => record.headers.dlq_mqtt_topic === topic && record.value?.equals(payload),
    );

  it.each(refused)('is dead-lettered and answered with its reason in MQTT 5: $what', async (publish) => {
    const client = await connect(5);
    const error = await client.publishAsync(publish.topic, publish.payload, { qos: 1 }).then(
      () => undefined,
      (e: { code?: number; message: string }) => e,
    );
    await client.endAsync();
    expect(error).toMatchObject({ code: publish.code });
    // The answer comes after the letter: it can be read as soon as the answer is here.
    const [letter, ...more] = await letters(publish.topic, publish.payload);
    expect(more).toEqual([]);
    expect(letter?.headers).toMatchObject({ dlq_reason: publish.reason, dlq_device_id: 'dev-1' });
    expect(letter?.headers.dlq_message).toMatch(/\S/);
    expect(await gateway.metric('edge_publishes_dead_lettered_total', { reason: publish.reason })).toBeGreaterThan(0);
  });

  it('is dead-lettered and plainly acknowledged in MQTT 3.1.1, which has no negative PUBACK', async () => {
    const client = await connect(4);
    const payload = telemetryPayload('veh-1', 950, { batteryLevel: -1 });
    await client.publishAsync('v1/vehicles/veh-1/telemetry', payload, { qos: 1 });
    await client.endAsync();
    expect(await letters('v1/vehicles/veh-1/telemetry', payload)).toHaveLength(1);
  });

  it('is dead-lettered for QoS 2 too, with the reason in PUBREC', async () => {
    const client = await connect(5);
    const payload = telemetryPayload('veh-1', 951, { batteryLevel: -2 });
    const answer = client.publishAsync('v1/vehicles/veh-1/telemetry', payload, { qos: 2 });
    await expect(answer).rejects.toMatchObject({ code: 0x99 });
    await client.endAsync();
    expect(await letters('v1/vehicles/veh-1/telemetry', payload)).toHaveLength(1);
  });

  it('leaves nothing of itself in the events topic, and does not disturb what is valid', async () => {
    const client = await connect(5);
    await client.publishAsync('v1/vehicles/veh-1/telemetry', telemetryPayload('veh-1', 999), { qos: 1 });
    await client.endAsync();
    const events = await readTopic(bootstrap, made.eventsTopic);
    expect(events.map((event) => event.headers.ce_id)).toEqual(['dev-1:7:999']);
  });

  it('includes a vehicle that reports for a bay', async () => {
    const client = await connect(5);
    const payload = encodeMessage('BayOccupancy', bayEvent('bay-1', 1));
    await expect(client.publishAsync('v1/bays/bay-1/events', payload, { qos: 1 })).rejects.toMatchObject({
      code: 0x87,
    });
    await client.endAsync();
  });
});
