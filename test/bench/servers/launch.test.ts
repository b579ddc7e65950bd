import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { everythingOn, fenceCount, writeFences } from '../../../bench/servers/everything.ts';
import { gatewaySettings } from '../../../bench/servers/launch.ts';
import { factors } from '../../../bench/study/plan.ts';
import { readFences } from '../../../gateway/alerts/fences-file.ts';
import { loadConfig } from '../../../gateway/config/load.ts';

const addresses = { bootstrap: ['127.0.0.1:9092'], registryUrl: 'http://127.0.0.1:8081', folder: '/nowhere' };

describe('the settings of a gateway under test', () => {
  it.each(factors.flatMap(({ setting, values }) => values.map((value) => [setting, value] as const)))(
    'are taken by the gateway with %s %d',
    (setting, value) => {
      const loaded = loadConfig({ settings: gatewaySettings({ ...addresses, kafka: { [setting]: value } }), env: {} });
      expect(loaded).toMatchObject({ ok: true, config: { kafka: { [setting]: value } } });
    },
  );
});

describe('the gateway with everything on', () => {
  it('has settings that the gateway takes, and fences where the vehicles of the load are', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bench-full-'));
    try {
      await writeFences(folder);
      const more = await everythingOn(folder);
      const loaded = loadConfig({ settings: gatewaySettings({ ...addresses, more }), env: {} });
      expect(loaded).toMatchObject({
        ok: true,
        config: { alerts: { enabled: true }, connectivity: { enabled: true } },
      });
      const limits = {
        maxFences: fenceCount,
        maxPositionsPerFence: 100,
        maxPositions: 500_000,
        severity: 'warning',
      } as const;
      expect(readFences(more.alerts.geofences.path, limits)).toHaveLength(fenceCount);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
