import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ShiftedClock } from '../../faults/injectors/shifted-clock.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const anHourMs = 3_600_000;
const { bootstrap, registryUrl } = sharedServers();

describe("a step of the gateway's wall clock", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clock-step-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('ends no connection and no session, forgets no credentials, and leaves the gateway ready', async () => {
    const databasePath = join(folder, 'devices.sqlite');
    const secrets = await registerDevices(databasePath, [{ deviceId: 'd1', kind: 'vehicle', boundTo: 'veh-1' }]);
    await using clock = await ShiftedClock.create();
    const made = gatewaySettings({
      bootstrap,
      registryUrl,
      databasePath,
      sections: { identity: { cacheTtlSeconds: 600 } },
    });
    await using gateway = await GatewayProcess.start(made.settings, { NODE_OPTIONS: clock.nodeOptions });
    const connect = () =>
      mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
        ...{ protocolVersion: 5, clientId: 'd1', username: 'd1', password: secrets.get('d1') ?? '' },
        ...{ clean: false, properties: { sessionExpiryInterval: 600 }, keepalive: 30, reconnectPeriod: 0 },
      });
    let client = await connect();
    let closed = 0;
    client.on('close', () => (closed += 1));
    let sequence = 0;
    const publish = async () => {
      sequence += 1;
      return client.publishAsync('v1/vehicles/veh-1/telemetry', telemetryPayload('veh-1', sequence), { qos: 1 });
    };
    const logTime = () => Date.parse(String(gateway.log.at(-1)?.time));
    const step = async (offsetMs: number) => {
      await clock.set(offsetMs);
      await waitFor(
        async () => {
          await gateway.metrics();
          const other = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
            ...{ protocolVersion: 5, clientId: 'other', username: 'd1', password: secrets.get('d1') ?? '' },
          });
          await other.endAsync();
          return Math.abs(logTime() - Date.now() - offsetMs) < anHourMs / 2;
        },
        { deadlineMs: 30_000, what: 'the gateway to see the other time' },
      );
    };
    await publish();
    for (const offsetMs of [anHourMs, 0]) {
      await step(offsetMs);
      // An hour ahead, what devices report is only an hour late.
      await publish();
    }
    await step(-anHourMs);
    // An hour behind, it is from the future: taken, dated with the gateway's time, and counted.
    await publish();
    expect(await gateway.metric('edge_event_times_clamped_total', { direction: 'future' })).toBe(1);
    await step(0);
    await publish();
    expect(closed).toBe(0);
    expect((await (await fetch(`${gateway.adminUrl}/readyz`)).json()) as object).toEqual({ ready: true, reasons: [] });
    expect(await gateway.metric('edge_mqtt_sessions_expired_total')).toBe(0);

    const hashed = await gateway.metric('edge_identity_authenticated_total', { verification: 'hashed' });
    expect(hashed).toBe(1);
    await client.endAsync(true);
    client = await connect();
    await publish();
    await client.endAsync();
    gateway.kill('SIGTERM');
    expect(await gateway.exited()).toBe(0);
  });
});
