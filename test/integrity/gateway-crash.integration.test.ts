import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerFleet } from '../support/devices.ts';
import { FleetProcess } from '../support/fleet.ts';
import { freePort } from '../support/free-port.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';
import { waitFor } from '../support/wait-for.ts';

const vehicles = 100;

describe('when the gateway ends under load and is started again', () => {
  let folder: string;
  let databasePath: string;
  let devicesCsv: string;
  const { bootstrap, registryUrl } = sharedServers();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gateway-crash-'));
    databasePath = join(folder, 'devices.sqlite');
    devicesCsv = await registerFleet(databasePath, { vehicles, bays: 10, folder });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function endTwiceUnderLoad(signal: 'SIGKILL' | 'SIGTERM') {
    const port = await freePort();
    const made = gatewaySettings({
      bootstrap,
      registryUrl,
      databasePath,
      sections: { listeners: [{ name: 'devices', host: '127.0.0.1', port, auth: 'registry' }] },
    });
    let gateway = await GatewayProcess.start(made.settings);
    const exitCodes: (number | null)[] = [];
    try {
      await using fleet = new FleetProcess([
        ...['--mqtt', `127.0.0.1:${port}`, '--vehicles', `${vehicles}`, '--bays', '10', '--rate', '10'],
        ...['--seconds', '25', '--devices-csv', devicesCsv, '--verify', '--kafka', bootstrap.join(',')],
        ...['--registry', registryUrl, '--topic', made.eventsTopic],
      ]);
      for (let round = 0; round < 2; round++) {
        await waitFor(async () => (await gateway.metric('edge_publishes_delivered_total')) > 2000, {
          deadlineMs: 60_000,
          what: 'traffic to flow',
        });
        gateway.kill(signal);
        exitCodes.push(await gateway.exited());
        gateway = await GatewayProcess.start(made.settings);
      }
      return { ...(await fleet.verdict()), exitCodes };
    } finally {
      await gateway[Symbol.asyncDispose]();
    }
  }

  it('by kill -9, nothing acknowledged is lost; what is sent again is counted as duplicates', {
    timeout: 180_000,
  }, async () => {
    const { exitCode, figures } = await endTwiceUnderLoad('SIGKILL');
    expect(figures).toMatchObject({ lost: 0, outOfOrder: 0, wrongPartition: 0 });
    expect(figures.acked).toBe(figures.sent);
    expect(figures.acked).toBeGreaterThan(10_000);
    expect(exitCode).toBe(0);
  });

  it('by SIGTERM, everything that was read is settled before the exit: nothing lost, nothing twice', {
    timeout: 180_000,
  }, async () => {
    const { exitCode, figures, exitCodes } = await endTwiceUnderLoad('SIGTERM');
    expect(exitCodes).toEqual([0, 0]);
    expect(figures).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, wrongPartition: 0 });
    expect(figures.acked).toBe(figures.sent);
    expect(exitCode).toBe(0);
  });
});
