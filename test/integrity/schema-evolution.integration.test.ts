import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { type IndependentReader, independentReader } from '../support/independent-registry.ts';
import { type ReadRecord, readTopic } from '../support/kafka-reader.ts';
import { sharedServers } from '../support/servers.ts';

/** Each version adds a field to the one before it. */
const versions = [1, 2, 3] as const;
type Version = (typeof versions)[number];
const added = ['', 'optional float angle_deg = 6;', 'optional float angle_deg = 6; string actor = 7;'];
const addedFields = [
  [],
  [{ name: 'angleDeg', type: ['null', 'float'], default: null }],
  [
    { name: 'angleDeg', type: ['null', 'float'], default: null },
    { name: 'actor', type: 'string', default: '' },
  ],
];

const protoOf = (version: Version): string => `syntax = "proto3";
package acme.v1;
message Door {
  string vehicle_id = 1;
  optional fixed32 boot_id = 2;
  optional fixed64 sequence = 3;
  optional int64 event_time_us = 4;
  bool open = 5;
  ${added[version - 1]}
}
`;
const schemaOf = (version: Version) => ({
  type: 'record' as const,
  name: 'Door',
  namespace: 'com.acme',
  fields: [
    { name: 'vehicleId', type: 'string' },
    { name: 'bootId', type: 'long' },
    { name: 'sequence', type: 'long' },
    { name: 'eventTimeUs', type: 'long' },
    { name: 'open', type: 'boolean' },
    ...(addedFields[version - 1] as object[]),
  ],
});
const messageOf = (version: Version) => protobuf.parse(protoOf(version)).root.lookupType('acme.v1.Door');

/** What a device of a version sends: every field that it knows. */
function payloadOf(device: Version, vehicleId: string, sequence: number): Buffer {
  const type = messageOf(device);
  const envelope = { vehicleId, bootId: 7, sequence, eventTimeUs: Date.now() * 1000, open: true };
  return Buffer.from(type.encode(type.fromObject({ ...envelope, angleDeg: 45, actor: 'driver' })).finish());
}

const { bootstrap, registryUrl } = sharedServers();

describe('three versions of a schema at the same time', () => {
  const gateways: GatewayProcess[] = [];
  const { eventsTopic } = gatewaySettings({ bootstrap, registryUrl });
  const bytesTopic = `${eventsTopic}.bytes`;
  let folder: string;
  let reader: IndependentReader;
  let avro: ReadRecord[];
  let bytes: ReadRecord[];

  /** `v2-3`: sent through the gateway of version 2 by a device of version 3. */
  const sent = (records: readonly ReadRecord[], gateway: Version, device: Version): ReadRecord => {
    const found = records.filter(({ key }) => key === `v${gateway}-${device}`);
    expect(found).toHaveLength(1);
    return found[0] as ReadRecord;
  };

  async function startGateway(version: Version): Promise<GatewayProcess> {
    const own = join(folder, `v${version}`);
    await mkdir(own);
    await writeFile(join(own, 'door.proto'), protoOf(version));
    await writeFile(join(own, 'door.avsc'), JSON.stringify(schemaOf(version)));
    const route = {
      format: 'protobuf',
      message: 'acme.v1.Door',
      schema: 'door.avsc',
      key: 'payload:vehicleId',
      deviceKind: 'vehicle',
      subject: 'vehicleId',
      eventType: 'com.acme.door.v1',
    };
    const { settings } = gatewaySettings({
      ...{ bootstrap, registryUrl, auth: 'anonymous' },
      sections: {
        protoPaths: [own],
        schemaPaths: [own],
        schemaRegistry: { compatibility: 'FULL_TRANSITIVE' },
        routes: [
          { ...route, pattern: 'acme/{vehicleId}/door', kafkaTopic: eventsTopic },
          { ...route, pattern: 'acme/{vehicleId}/bytes', kafkaTopic: bytesTopic, valueFormat: 'protobuf' },
        ],
      },
    });
    return GatewayProcess.start(settings);
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'evolution-'));
    reader = independentReader(registryUrl);
    for (const version of versions) gateways.push(await startGateway(version));
    const devices = await Promise.all(
      gateways.flatMap((gateway, index) =>
        versions.map(async (version) => {
          const vehicleId = `v${index + 1}-${version}`;
          const address = `mqtt://127.0.0.1:${gateway.mqttPort()}`;
          return { vehicleId, version, client: await mqtt.connectAsync(address, { clientId: vehicleId }) };
        }),
      ),
    );
    // All nine are connected by now.
    await Promise.all(
      devices.map(async ({ vehicleId, version, client }) => {
        await client.publishAsync(`acme/${vehicleId}/door`, payloadOf(version, vehicleId, 1), { qos: 1 });
        await client.publishAsync(`acme/${vehicleId}/bytes`, payloadOf(version, vehicleId, 2), { qos: 1 });
      }),
    );
    await Promise.all(devices.map(({ client }) => client.endAsync()));
    avro = await readTopic(bootstrap, eventsTopic);
    bytes = await readTopic(bootstrap, bytesTopic);
  });
  afterAll(async () => {
    for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('every device is served by every gateway', () => {
    expect(avro).toHaveLength(9);
    expect(bytes).toHaveLength(9);
  });

  it.each(versions)('a consumer with the Avro schema of version %i reads them all', async (consumer) => {
    for (const gateway of versions) {
      for (const device of versions) {
        const { value, key } = sent(avro, gateway, device);
        const record = await reader.decode(value, schemaOf(consumer));
        // A field gets through if device, gateway and consumer all know it; otherwise its default stands there.
        const known = Math.min(gateway, device);
        expect(record).toEqual({
          vehicleId: key,
          bootId: 7,
          sequence: 1,
          eventTimeUs: expect.any(Number),
          open: true,
          ...(consumer >= 2 ? { angleDeg: known >= 2 ? 45 : null } : {}),
          ...(consumer >= 3 ? { actor: known >= 3 ? 'driver' : '' } : {}),
        });
      }
    }
  });

  it('values in Protobuf hold what the device sent, whatever the gateway knows of it', async () => {
    for (const gateway of versions) {
      for (const device of versions) {
        const { value, key } = sent(bytes, gateway, device);
        // With the schema that the gateway has registered.
        expect(await reader.decode(value)).toMatchObject({ vehicleId: key, open: true });
        for (const consumer of versions) {
          const record = messageOf(consumer)
            .decode((value as Buffer).subarray(6))
            .toJSON();
          expect(record).toMatchObject({ vehicleId: key, open: true });
          expect(record.angleDeg).toBe(Math.min(device, consumer) >= 2 ? 45 : undefined);
          expect(record.actor).toBe(Math.min(device, consumer) >= 3 ? 'driver' : undefined);
        }
      }
    }
  });
});
