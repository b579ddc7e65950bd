import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerFleet } from '../support/devices.ts';
import { FleetProcess } from '../support/fleet.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';

const vehicles = 2000;
const seconds = 10;

describe('one simulator process', () => {
  let folder: string;
  const { bootstrap, registryUrl } = sharedServers();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'large-fleet-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('carries 2,000 vehicles at a message a second: every message of the schedule is sent, acknowledged and on Kafka', async () => {
    const databasePath = join(folder, 'devices.sqlite');
    const devicesCsv = await registerFleet(databasePath, { vehicles, bays: 0, folder });
    const made = gatewaySettings({ bootstrap, registryUrl, databasePath });
    await using gateway = await GatewayProcess.start(made.settings);
    await using fleet = new FleetProcess([
      ...['--mqtt', `127.0.0.1:${gateway.mqttPort()}`, '--vehicles', `${vehicles}`, '--bays', '0', '--rate', '1'],
      ...['--seconds', `${seconds}`, '--devices-csv', devicesCsv, '--verify', '--kafka', bootstrap.join(',')],
      ...['--registry', registryUrl, '--topic', made.eventsTopic],
    ]);
    const { exitCode, figures } = await fleet.verdict();
    expect(figures).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, wrongPartition: 0 });
    expect(figures.sent).toBe(vehicles * seconds);
    expect(figures.acked).toBe(figures.sent);
    expect(figures.inKafka).toBe(figures.sent);
    expect(exitCode).toBe(0);
  });
});
