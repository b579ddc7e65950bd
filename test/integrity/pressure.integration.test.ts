import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKafka, startKafka } from '../../deploy/local/kafka.ts';
import { registerDevices, registerFleet } from '../support/devices.ts';
import { FleetProcess } from '../support/fleet.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';
import { telemetryPayload } from '../support/telemetry.ts';
import { waitFor } from '../support/wait-for.ts';

const vehicles = 40;
const softRecords = 300;
const hardRecords = 1500;

describe('when devices send more than Kafka takes', () => {
  let kafka: LocalKafka;
  let folder: string;
  const { registryUrl } = sharedServers();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pressure-'));
    kafka = await startKafka({ brokers: 1 });
  });
  afterAll(async () => {
    await kafka?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('busy connections are not read, QoS 0 is shed, a quiet device still gets in, and then everything is delivered', async () => {
    const databasePath = join(folder, 'devices.sqlite');
    const devicesCsv = await registerFleet(databasePath, { vehicles, bays: 0, folder });
    const quiet = await registerDevices(databasePath, [{ deviceId: 'quiet', kind: 'vehicle', boundTo: 'veh-quiet' }]);
    const made = gatewaySettings({
      bootstrap: kafka.bootstrap,
      registryUrl,
      databasePath,
      sections: { kafka: { softRecords, hardRecords, maxBatchRecords: softRecords } },
    });
    await using gateway = await GatewayProcess.start(made.settings);
    await using fleet = new FleetProcess([
      ...['--mqtt', `127.0.0.1:${gateway.mqttPort()}`, '--vehicles', `${vehicles}`, '--bays', '0', '--rate', '20'],
      ...['--seconds', '20', '--devices-csv', devicesCsv, '--verify', '--kafka', kafka.bootstrap.join(',')],
      ...['--registry', registryUrl, '--topic', made.eventsTopic],
    ]);
    await waitFor(async () => (await gateway.metric('edge_publishes_delivered_total')) > 500, {
      deadlineMs: 60_000,
      what: 'traffic to flow',
    });
    const [broker] = kafka.brokers;
    broker?.pause();
    await waitFor(async () => (await gateway.metric('edge_mqtt_connections_paused')) === vehicles, {
      deadlineMs: 30_000,
      what: 'every busy connection to be paused',
    });
    // Each connection may have one more publish decoded before it notices; nothing beyond that.
    expect(await gateway.metric('edge_unsettled_records')).toBeLessThanOrEqual(softRecords + vehicles);
    expect(await gateway.metric('edge_pressure')).toBe(1);

    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort()}`, {
      ...{ protocolVersion: 5, clientId: 'quiet', username: 'quiet', password: quiet.get('quiet') ?? '' },
      reconnectPeriod: 0,
    });
    await client.publishAsync('v1/vehicles/veh-quiet/telemetry', telemetryPayload('veh-quiet', 1), { qos: 0 });
    const answered = client.publishAsync('v1/vehicles/veh-quiet/telemetry', telemetryPayload('veh-quiet', 2), {
      qos: 1,
    });
    await waitFor(async () => (await gateway.metric('edge_publishes_shed_total')) === 1, {
      deadlineMs: 10_000,
      what: 'the QoS 0 publish to be shed',
    });

    broker?.resume();
    await answered;
    await client.endAsync();
    const { exitCode, figures } = await fleet.verdict();
    expect(figures).toMatchObject({ lost: 0, outOfOrder: 0, wrongPartition: 0 });
    expect(figures.acked).toBe(figures.sent);
    expect(exitCode).toBe(0);
    expect(await gateway.metric('edge_pressure')).toBe(0);
    expect(await gateway.metric('edge_mqtt_connections_paused')).toBe(0);
  });
});
