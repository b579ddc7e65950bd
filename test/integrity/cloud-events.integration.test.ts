import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CloudEvent, Kafka } from 'cloudevents';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { type ReadRecord, readTopic } from '../support/kafka-reader.ts';
import { decodeWithRegistry } from '../support/registered-avro.ts';
import { sharedServers } from '../support/servers.ts';
import { encodeMessage, vehicleReport } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01';
const envelope = (sequence: number, eventTimeUs = Date.now() * 1000) => ({
  ...{ vehicleId: 'veh-1', bootId: 7, sequence, eventTimeUs },
});

/** Reads a record as a consumer with the CloudEvents SDK does. */
function eventOf({ key, value, headers }: ReadRecord): CloudEvent<unknown> {
  const isJson = headers['content-type']?.startsWith('application/cloudevents+json');
  const body = isJson ? String(value) : (value ?? Buffer.alloc(0));
  const message = { key, value: body, headers: { ...headers }, body };
  const event = Kafka.toEvent<unknown>(message) as CloudEvent<unknown>;
  expect(event.validate()).toBe(true);
  return event;
}

describe('every record of every topic', () => {
  let gateway: GatewayProcess;
  let made: GatewaySettings;
  let folder: string;
  let secret: string;
  const { bootstrap, registryUrl } = sharedServers();
  const connectivityTopic = () => `${made.eventsTopic}.connectivity`;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cloud-events-'));
    const databasePath = join(folder, 'devices.sqlite');
    const secrets = await registerDevices(databasePath, [{ deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' }]);
    secret = secrets.get('dev-1') ?? '';
    made = gatewaySettings({ bootstrap, registryUrl, databasePath });
    const routes = made.settings.routes as unknown as { eventType: string }[];
    const structured = routes.map((route) =>
      /diagnostics|command/.test(route.eventType) ? { ...route, contentMode: 'structured' } : route,
    );
    const connectivity = { enabled: true, topic: connectivityTopic() };
    gateway = await GatewayProcess.start({ ...made.settings, routes: structured, connectivity, eventTenant: 'north' });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const connect = (extra: object = {}) =>
    mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      ...{ protocolVersion: 5, clientId: 'client-1', username: 'dev-1', password: secret, reconnectPeriod: 0 },
      ...extra,
    });

  it('is a CloudEvent to an SDK: events of all types in both modes, raw bytes, dead letters', async () => {
    const client = await connect();
    const publish = (level: string, message: string, fields: object) =>
      client.publishAsync(`v1/vehicles/veh-1/${level}`, encodeMessage(message, fields), {
        qos: 1,
        properties: { userProperties: { traceparent }, correlationData: Buffer.from('c-1') },
      });
    await publish('telemetry', 'VehicleTelemetry', vehicleReport('veh-1', 1));
    await publish('battery', 'BatteryStatus', { ...envelope(2), batteryLevel: 0.5, chargingState: 2 });
    await publish('diagnostics', 'Diagnostics', { ...envelope(3), faultCodes: ['P0A80'] });
    await publish('incidents', 'Incident', { ...envelope(4, 0), type: 2 });
    await client.publishAsync('v1/vehicles/veh-1/commands/c-9/ack', 'done', { qos: 1 });
    const wrong = publish('battery', 'BatteryStatus', { ...envelope(5), batteryLevel: 50 });
    await expect(wrong).rejects.toMatchObject({ code: 0x99 });
    await client.endAsync();

    const records = await readTopic(bootstrap, made.eventsTopic);
    const events = new Map(records.map((record) => [record.headers.ce_id, { record, event: eventOf(record) }]));
    const of = (sequence: number) => {
      const found = events.get(`dev-1:7:${sequence}`);
      if (found === undefined) throw new Error(`no event ${sequence}`);
      return found;
    };
    const common = {
      ...{ source: '/edge-ingest-gateway', subject: 'veh-1', partitionkey: 'veh-1', tenant: 'north', traceparent },
      ...{ correlationid: 'c-1', dataschema: expect.stringMatching(/^http.*\/schemas\/ids\/\d+/) as string },
    };
    for (const [sequence, type] of [
      [1, 'com.mobilitycorp.vehicle.telemetry.v1'],
      [2, 'com.mobilitycorp.vehicle.battery.v1'],
      [3, 'com.mobilitycorp.vehicle.diagnostics.v1'],
      [4, 'com.mobilitycorp.vehicle.incident.v1'],
    ] as const) {
      expect(of(sequence).event).toMatchObject({ ...common, type, sequence: `0000000007-000000000000000${sequence}` });
    }
    expect(await decodeWithRegistry(registryUrl, of(2).record.value)).toMatchObject({ chargingState: 'CHARGING' });
    expect(of(3).event.data).toMatchObject({ vehicleId: 'veh-1', faultCodes: ['P0A80'], warningLamp: null });
    // A clock that starts in 1970.
    expect(of(4).event).toMatchObject({ timeclamped: 'past' });
    expect(Math.abs(of(4).record.timestampMs - Date.now())).toBeLessThan(60_000);
    expect(await decodeWithRegistry(registryUrl, of(4).record.value)).toMatchObject({ eventTimeUs: 0, type: 'CRASH' });

    const [ack] = (await readTopic(bootstrap, made.rawTopic)).map(eventOf);
    expect(ack).toMatchObject({ type: 'com.mobilitycorp.vehicle.command.ack.v1', tenant: 'north' });
    expect(Buffer.from(ack?.data_base64 ?? '', 'base64').toString()).toBe('done');

    const [letter] = (await readTopic(bootstrap, made.deadLetterTopic)).map(eventOf);
    expect(letter).toMatchObject({
      type: 'com.mobilitycorp.deadletter.v1',
      subject: 'veh-1',
      tenant: 'north',
      traceparent,
    });
  });

  it('tells, under the key of its vehicle, that a device came, vanished and left a will', async () => {
    const payload = encodeMessage('Incident', { ...envelope(100), type: 5 });
    const will = { topic: 'v1/vehicles/veh-1/incidents', payload, qos: 1 };
    const client = await connect({ clientId: 'client-2', will });
    client.stream.destroy();
    const ours = async () => {
      const records = await readTopic(bootstrap, connectivityTopic());
      const values = await Promise.all(
        records.map(async (record) => {
          expect(eventOf(record)).toMatchObject({ type: 'com.mobilitycorp.vehicle.connectivity.v1' });
          expect(record.key).toBe('veh-1');
          return decodeWithRegistry(registryUrl, record.value);
        }),
      );
      const at = values.findLastIndex(({ change, clientId }) => change === 'CONNECTED' && clientId === 'client-2');
      return at < 0 ? [] : values.slice(at).map(({ change, reason }) => [change, reason]);
    };
    await waitFor(async () => (await ours()).length === 3, { deadlineMs: 30_000, what: 'the will to be told' });
    expect(await ours()).toEqual([
      ['CONNECTED', null],
      ['DISCONNECTED', 'network'],
      ['WILL_PUBLISHED', null],
    ]);
    const written = await gateway.metric('edge_connectivity_events_total', { change: 'connected', outcome: 'written' });
    expect(written).toBeGreaterThanOrEqual(1);
  });
});
