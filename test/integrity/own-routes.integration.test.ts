import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { readTopic } from '../support/kafka-reader.ts';
import { decodeWithRegistry } from '../support/registered-avro.ts';
import { sharedServers } from '../support/servers.ts';

const proto = `syntax = "proto3";
package acme.v1;
message Door {
  string vehicle_id = 1;
  optional fixed32 boot_id = 2;
  optional fixed64 sequence = 3;
  optional int64 event_time_us = 4;
  bool open = 5;
}
`;
const schema = {
  type: 'record',
  name: 'Door',
  namespace: 'com.acme',
  fields: [
    { name: 'vehicleId', type: 'string' },
    { name: 'bootId', type: 'long' },
    { name: 'sequence', type: 'long' },
    { name: 'eventTimeUs', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'open', type: 'boolean' },
  ],
};

describe("an operator's own routes", () => {
  let gateway: GatewayProcess;
  let made: GatewaySettings;
  let folder: string;
  let client: MqttClient;
  const { bootstrap, registryUrl } = sharedServers();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'own-routes-'));
    await writeFile(join(folder, 'door.proto'), proto);
    await writeFile(join(folder, 'door.avsc'), JSON.stringify(schema));
    const plain = gatewaySettings({ bootstrap, registryUrl, auth: 'anonymous' });
    const common = { kafkaTopic: plain.eventsTopic, deviceKind: 'vehicle', subject: 'vehicleId' };
    made = gatewaySettings({
      bootstrap,
      registryUrl,
      auth: 'anonymous',
      sections: {
        protoPaths: [folder],
        schemaPaths: [folder],
        routes: [
          {
            ...common,
            pattern: 'acme/{vehicleId}/door',
            format: 'protobuf',
            message: 'acme.v1.Door',
            schema: 'door.avsc',
            key: 'payload:vehicleId',
            eventType: 'com.acme.door.v1',
          },
          {
            ...common,
            pattern: 'acme/{vehicleId}/blob',
            format: 'raw',
            kafkaTopic: `${plain.eventsTopic}.blobs`,
            key: 'topic:vehicleId',
            eventType: 'com.acme.blob.v1',
          },
        ],
      },
    });
    made = { ...made, eventsTopic: plain.eventsTopic };
    gateway = await GatewayProcess.start(made.settings);
    client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, { protocolVersion: 5, clientId: 'c' });
  });
  afterAll(async () => {
    await client?.endAsync();
    await gateway?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('take a message type of a .proto file of their own to Avro under their own schema, key and event id', async () => {
    const type = protobuf.parse(proto).root.lookupType('acme.v1.Door');
    const eventTimeUs = Date.now() * 1000;
    const door = { vehicleId: 'veh-9', bootId: 7, sequence: 3, eventTimeUs, open: true };
    await client.publishAsync('acme/veh-9/door', Buffer.from(type.encode(type.fromObject(door)).finish()), { qos: 1 });
    const [record] = await readTopic(bootstrap, made.eventsTopic);
    expect(record).toMatchObject({
      key: 'veh-9',
      timestampMs: eventTimeUs / 1000,
      headers: { ce_id: 'c/veh-9:7:3', ce_type: 'com.acme.door.v1' },
    });
    expect(await decodeWithRegistry(registryUrl, record?.value ?? null)).toMatchObject({
      vehicleId: 'veh-9',
      open: true,
    });
  });

  it('leave the bytes of a raw route untouched, with the content type of the device', async () => {
    const bytes = Buffer.from([0, 1, 2, 0xff]);
    await client.publishAsync('acme/veh-9/blob', bytes, { qos: 1, properties: { contentType: 'image/x-blob' } });
    const [record] = await readTopic(bootstrap, `${made.eventsTopic}.blobs`);
    expect(record).toMatchObject({ key: 'veh-9', value: bytes, headers: { 'content-type': 'image/x-blob' } });
  });

  it('replace the default ones', async () => {
    await expect(client.publishAsync('v1/vehicles/veh-9/telemetry', 'x', { qos: 1 })).rejects.toMatchObject({
      code: 0x90,
    });
  });
});
