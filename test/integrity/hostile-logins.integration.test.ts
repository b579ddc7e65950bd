import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureFlood } from '../../bench/hostile/flood.ts';
import type { HonestDevice } from '../../bench/hostile/honest-fleet.ts';
import { logIn } from '../../bench/hostile/wire.ts';
import { defaultCost, type ScryptCost, simulationCost } from '../../gateway/identity/secret-hash.ts';
import { registerDevices } from '../support/devices.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';

const logins = 10_000;
const publishers = 20;
const newcomers = 100;

describe('a flood of logins with wrong passwords', () => {
  const { bootstrap, registryUrl } = sharedServers();
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hostile-logins-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A gateway and its devices, whose secrets are hashed at this cost. */
  async function scene(cost: ScryptCost): Promise<{ gateway: GatewayProcess; devices: HonestDevice[] }> {
    const databasePath = join(folder, `devices-${cost.N}.sqlite`);
    const rows = Array.from({ length: publishers + newcomers }, (_, index) => ({
      deviceId: `dev-${index}`,
      kind: 'vehicle' as const,
      boundTo: `veh-${index}`,
    }));
    const secrets = await registerDevices(databasePath, rows, cost);
    const devices = rows.map(({ deviceId, boundTo }) => {
      return { deviceId, vehicleId: boundTo, password: secrets.get(deviceId) ?? '' };
    });
    // This machine's own addresses stand for attackers and for honest devices here.
    const sections = { limits: { exemptAddresses: [] } };
    const { settings } = gatewaySettings({ bootstrap, registryUrl, databasePath, sections });
    return { gateway: await GatewayProcess.start(settings), devices };
  }

  it('takes nothing from honest devices, and keeps none out whose name was used', async () => {
    const { gateway: started, devices } = await scene(simulationCost);
    await using gateway = started;
    const figures = await measureFlood({
      gateway,
      devices,
      publishers,
      messagesPerSecond: 200,
      quietSeconds: 3,
      logins,
      loginsPerSecond: 2000,
      addresses: 150,
    });
    console.info(JSON.stringify(figures));
    const { attack, returning } = figures;
    // 0x86 wrong, 0x89 busy, 0x9F banned; or closed at accept. None was let in.
    expect(
      Object.keys(attack.answers).filter((answer) => !['0x86', '0x89', '0x9f', 'closed'].includes(answer)),
    ).toEqual([]);
    expect(Object.values(attack.answers).reduce((sum, count) => sum + count, 0)).toBe(logins);
    expect(figures.acknowledged).toBe(figures.sent);
    expect(figures.closed).toBe(0);
    expect(figures.bans).toBeGreaterThan(0);
    // Who was known needs no hash, whatever waits; who was not gets in, if not at once.
    expect(Object.keys(returning)).toEqual(['0x00']);
    for (const device of devices.slice(0, 3)) {
      const { answer } = await logIn({ port: gateway.mqttPort(), localAddress: '127.0.0.1' }, device);
      expect(answer).toBe('0x00');
    }
    const [late] = devices.slice(-1) as [HonestDevice];
    const { answer } = await logIn({ port: gateway.mqttPort(), localAddress: '127.0.0.9' }, late);
    expect(answer).toBe('0x00');
    expect(await gateway.metric('edge_publishes_received_total')).toBe(figures.sent);
    expect(await gateway.metric('edge_accounting_mismatch')).toBe(0);
  });

  /** What is due is measured by `npm run hostile -- flood`; these are as far from it as a busy machine may bring it. */
  it('whose hashes cost what they should keeps the event loop from nothing', async () => {
    const { gateway: started, devices } = await scene(defaultCost);
    await using gateway = started;
    const figures = await measureFlood({
      gateway,
      devices,
      publishers,
      messagesPerSecond: 200,
      quietSeconds: 3,
      logins: 500,
      loginsPerSecond: 200,
      addresses: 100,
    });
    console.info(JSON.stringify(figures));
    expect(figures.attack.answers['0x86']).toBeGreaterThan(100);
    expect(figures.attack.answers['0x00']).toBeUndefined();
    expect(figures.acknowledged).toBe(figures.sent);
    expect(figures.closed).toBe(0);
    expect(figures.duringLoop.p99Ms).toBeLessThan(100);
    expect(figures.during.p99Ms).toBeLessThan(1000);
  });
});
