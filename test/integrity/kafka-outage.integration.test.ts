import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKafka, startKafka } from '../../deploy/local/kafka.ts';
import { registerFleet } from '../support/devices.ts';
import { FleetProcess } from '../support/fleet.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';
import { waitFor } from '../support/wait-for.ts';

const vehicles = 100;
const outageMs = 30_000;

describe('while Kafka is stopped for 30 s under load', () => {
  let kafka: LocalKafka;
  let folder: string;
  const { registryUrl } = sharedServers();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafka-outage-'));
    kafka = await startKafka({ brokers: 1 });
  });
  afterAll(async () => {
    await kafka?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('no device is acknowledged, connections stay, memory is flat; then everything is delivered, once in order', {
    timeout: 240_000,
  }, async () => {
    const databasePath = join(folder, 'devices.sqlite');
    const devicesCsv = await registerFleet(databasePath, { vehicles, bays: 0, folder });
    const made = gatewaySettings({ bootstrap: kafka.bootstrap, registryUrl, databasePath });
    await using gateway = await GatewayProcess.start(made.settings);
    await using fleet = new FleetProcess([
      ...['--mqtt', `127.0.0.1:${gateway.mqttPort()}`, '--vehicles', `${vehicles}`, '--bays', '0', '--rate', '10'],
      ...['--seconds', '50', '--devices-csv', devicesCsv, '--verify', '--kafka', kafka.bootstrap.join(',')],
      ...['--registry', registryUrl, '--topic', made.eventsTopic],
    ]);
    const delivered = () => gateway.metric('edge_publishes_delivered_total');
    const connections = () => gateway.metric('edge_mqtt_connections');
    const readiness = async () => (await fetch(`${gateway.adminUrl}/readyz`)).status;
    await waitFor(async () => (await delivered()) > 1000, { deadlineMs: 60_000, what: 'traffic to flow' });
    expect(await connections()).toBe(vehicles);

    const [broker] = kafka.brokers;
    await broker?.stop();
    const downSince = Date.now();
    const atStop = await delivered();
    await waitFor(async () => (await readiness()) === 503, { deadlineMs: 30_000, what: 'readiness to be false' });
    const memory: number[] = [];
    while (Date.now() - downSince < outageMs) {
      memory.push(await gateway.metric('process_resident_memory_bytes'));
      expect(await delivered()).toBe(atStop);
      expect(await connections()).toBe(vehicles);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    // At most the configured bytes of unsettled records twice over (encoded, and their payloads), not a leak.
    expect(Math.max(...memory) - (memory[0] ?? 0)).toBeLessThan(64 * 1024 * 1024);

    await broker?.start();
    await waitFor(async () => (await delivered()) > atStop, { deadlineMs: 60_000, what: 'delivery to resume' });
    await waitFor(async () => (await readiness()) === 200, { deadlineMs: 30_000, what: 'readiness to be true' });

    const { exitCode, figures } = await fleet.verdict();
    expect(figures).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, wrongPartition: 0 });
    expect(figures.acked).toBe(figures.sent);
    expect(figures.acked).toBeGreaterThan(10_000);
    expect(exitCode).toBe(0);
  });
});
