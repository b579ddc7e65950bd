import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { importDevices } from '../../gateway/identity/import-devices.ts';
import { PostgresDeviceStore } from '../../gateway/identity/postgres/store.ts';
import { simulationCost } from '../../gateway/identity/secret-hash.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { TestPostgres } from '../support/postgres.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

/** What is promised of a change: every gateway has acted on it by then. */
const cutWithinMs = 5_000;

const unavailable = { code: 0x88 };
const badCredentials = { code: 0x86 };
const notAuthorized = { code: 0x87 };

const letIn = (): never => {
  throw new Error('a device that was removed is let in');
};

describe('two gateways with one device registry in PostgreSQL', () => {
  const { bootstrap, registryUrl } = sharedServers();
  const secrets = new Map<string, string>();
  let postgres: TestPostgres;
  let store: PostgresDeviceStore;
  let gateways: readonly GatewayProcess[];

  beforeAll(async () => {
    postgres = await TestPostgres.start();
    const url = await postgres.createDatabase();
    const tls = { enabled: false, caFile: '', certFile: '', keyFile: '' };
    const limits = { maxConnections: 2, maxWaiting: 100, timeoutMs: 2000 };
    store = await PostgresDeviceStore.open({ url, password: '', passwordFile: '', tls, ...limits }, { make: true });
    const rows = ['a', 'b', 'c', 'd', 'stranger'].map((id) => ({
      deviceId: id,
      kind: 'vehicle',
      boundTo: `veh-${id}`,
    }));
    await importDevices(store, rows, {
      cost: simulationCost,
      onGenerated: (deviceId, secret) => secrets.set(deviceId, secret),
    });
    const identity = { store: 'postgres', postgres: { url, timeoutMs: 1000 }, offlineGraceSeconds: 600 };
    const { settings } = gatewaySettings({ bootstrap, registryUrl, sections: { identity } });
    gateways = await Promise.all([GatewayProcess.start(settings), GatewayProcess.start(settings)]);
  });
  afterAll(async () => {
    await Promise.all((gateways ?? []).map((gateway) => gateway[Symbol.asyncDispose]()));
    await store?.close();
    await postgres?.[Symbol.asyncDispose]();
  });

  const connect = async (gateway: GatewayProcess, deviceId: string, name = ''): Promise<MqttClient> => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      protocolVersion: 5,
      clientId: `${deviceId}${name}`,
      username: deviceId,
      password: secrets.get(deviceId) ?? '',
      reconnectPeriod: 0,
    });
    client.on('error', () => {});
    onTestFinished(() => void client.end(true));
    return client;
  };
  const everywhere = (deviceId: string) => Promise.all(gateways.map((gateway) => connect(gateway, deviceId)));
  let sequence = 0;
  const publish = (client: MqttClient, deviceId: string) => {
    sequence += 1;
    return client.publishAsync(`v1/vehicles/veh-${deviceId}/telemetry`, telemetryPayload(`veh-${deviceId}`, sequence), {
      qos: 1,
    });
  };
  /** Changes something, and waits until all of the clients are cut. Resolves to what they were told. */
  const cut = async (clients: readonly MqttClient[], change: () => Promise<unknown>): Promise<unknown[]> => {
    const told: unknown[] = [];
    for (const client of clients) client.on('disconnect', ({ reasonCode }) => told.push(reasonCode));
    await change();
    const isCut = () => clients.every((client) => !client.connected);
    await waitFor(isCut, { deadlineMs: cutWithinMs, what: 'the sessions to be cut' });
    return told;
  };

  it('cut the sessions of a device that is disabled, refuse it, and leave the others alone', async () => {
    const [others, clients] = [await everywhere('b'), await everywhere('a')];
    for (const client of clients) await publish(client, 'a');
    expect(await cut(clients, () => store.change('a', { enabled: false }))).toEqual([0x98, 0x98]);
    for (const gateway of gateways) await expect(connect(gateway, 'a')).rejects.toMatchObject(notAuthorized);
    for (const other of others) await publish(other, 'b');
    await store.change('a', { enabled: true });
    await everywhere('a');
  });

  it('cut them when its secret is rotated or it is bound to another vehicle, and take what is right then', async () => {
    const clients = await everywhere('c');
    const { secretHash } = (await store.find('a')) ?? { secretHash: '' };
    expect(await cut(clients, () => store.rotate('c', secretHash, Date.now()))).toEqual([0x87, 0x87]);
    for (const gateway of gateways) await expect(connect(gateway, 'c')).rejects.toMatchObject(badCredentials);
    secrets.set('c', secrets.get('a') ?? '');
    const again = await everywhere('c');
    expect(await cut(again, () => store.change('c', { boundTo: 'veh-a' }))).toEqual([0x87, 0x87]);
    const [bound] = await everywhere('c');
    await publish(bound as MqttClient, 'a');
  });

  it('let in who is known while PostgreSQL is down, nobody else, and see afterwards what was changed', async () => {
    const [clients, others] = [await everywhere('d'), await everywhere('b')];
    const [gateway] = gateways as [GatewayProcess];
    await postgres.stop();
    const reachable = () => gateway.metric('edge_identity_registry_reachable');
    await waitFor(async () => (await reachable()) === 0, { deadlineMs: cutWithinMs, what: 'the loss to show' });
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200);
    for (const client of [...clients, ...others])
      await publish(client, client === clients[0] || client === clients[1] ? 'd' : 'b');

    await publish(await connect(gateway, 'd', '-again'), 'd');
    await expect(connect(gateway, 'stranger')).rejects.toMatchObject(unavailable);
    await expect(connect(gateway, 'nobody')).rejects.toMatchObject(unavailable);
    const right = secrets.get('d') ?? '';
    secrets.set('d', 'never-verified');
    await expect(connect(gateway, 'd', '-guess')).rejects.toMatchObject(unavailable);
    secrets.set('d', right);
    expect(await gateway.metric('edge_identity_authenticated_total', { verification: 'recalled' })).toBe(1);

    const told = await cut(clients, async () => {
      await postgres.resume();
      await waitFor(() => store.remove('d'), { deadlineMs: cutWithinMs, what: 'the removal' });
    });
    expect(told).toEqual([0x98, 0x98]);
    await waitFor(async () => (await reachable()) === 1, { deadlineMs: cutWithinMs, what: 'the return to show' });
    // Each gateway asks a server that was away again when its pause is over, and tells devices to come again until then.
    for (const each of gateways) {
      await waitFor(
        () => connect(each, 'd').then(letIn, (error: { code?: number }) => error.code === badCredentials.code),
        {
          deadlineMs: cutWithinMs,
          what: 'the removed device to be unknown',
        },
      );
    }
    for (const other of others) await publish(other, 'b');
    await connect(gateway, 'stranger');
  });
});
