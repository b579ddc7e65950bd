import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { readTopic } from '../support/kafka-reader.ts';
import { decodeWithRegistry } from '../support/registered-avro.ts';
import { relayTo } from '../support/relay.ts';
import { sharedServers } from '../support/servers.ts';
import { bayEvent, encodeMessage, telemetryPayload } from '../support/telemetry.ts';

const { bootstrap, registryUrl } = sharedServers();

it('a schema registry that goes away while the gateway runs changes nothing', async () => {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}${new URL(registryUrl).pathname}`;
  const { settings, eventsTopic } = gatewaySettings({ bootstrap, registryUrl: address, auth: 'anonymous' });
  const relay = await relayTo(new URL(registryUrl), port);
  await using gateway = await GatewayProcess.start(settings);
  await relay[Symbol.asyncDispose]();
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, { clientId: 'unit' });
  await client.publishAsync('v1/vehicles/veh-1/telemetry', telemetryPayload('veh-1', 1), { qos: 1 });
  await client.publishAsync('v1/bays/bay-1/events', encodeMessage('BayOccupancy', bayEvent('bay-1', 2)), { qos: 1 });
  await client.endAsync();
  const records = await readTopic(bootstrap, eventsTopic);
  const read = await Promise.all(records.map(({ value }) => decodeWithRegistry(registryUrl, value)));
  expect(new Set(read.map(({ sequence }) => sequence))).toEqual(new Set([1, 2]));
  expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200);
});
