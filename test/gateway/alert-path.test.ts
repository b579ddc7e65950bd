import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { AlertPath } from '../../gateway/alert-path.ts';
import { loadConfig } from '../../gateway/config/load.ts';
import { Observability } from '../../gateway/observability/observability.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alert-path-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fence = (id: string) => ({
  ...{ type: 'Feature', id, properties: { kind: 'keep_out' } },
  geometry: {
    type: 'Polygon',
    coordinates: [
      [
        [13, 52],
        [14, 52],
        [14, 53],
        [13, 52],
      ],
    ],
  },
});

function scene() {
  const file = join(folder, 'gateway.yaml');
  const fencesFile = join(folder, 'fences.json');
  const observability = new Observability({ level: 'silent', processMetrics: false });
  const writeSettings = (alerts: object) => writeFileSync(file, stringify({ alerts: { enabled: true, ...alerts } }));
  const writeFences = (...ids: string[]) =>
    writeFileSync(fencesFile, JSON.stringify({ type: 'FeatureCollection', features: ids.map(fence) }));
  const read = () => loadConfig({ file, env: {} });
  const start = () => {
    const result = read();
    if (!result.ok) throw new Error(JSON.stringify(result.errors));
    return new AlertPath({ config: result.config, observability, settings: { file, read } });
  };
  const metric = async (name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await observability.metricsText())?.[1]);
  return { fencesFile, writeSettings, writeFences, start, metric };
}

describe('the rules of alerts', () => {
  it('are exchanged for those of the settings as they are now', async () => {
    const { fencesFile, writeSettings, writeFences, start, metric } = scene();
    writeSettings({});
    const path = start();
    expect([await metric('edge_alert_rules'), await metric('edge_alert_fences')]).toEqual([4, 0]);
    writeFences('a', 'b');
    writeSettings({ geofences: { path: fencesFile }, lowBattery: { enabled: false } });
    path.reload('test');
    expect([await metric('edge_alert_rules'), await metric('edge_alert_fences')]).toEqual([4, 2]);
    expect(await metric('edge_alert_rule_reloads_total\\{result="taken"\\}')).toBe(1);
  });

  it.each([
    ['the settings are wrong', () => ({ lowBattery: { lowPercent: 50, recoveredPercent: 10 } })],
    ['the file of geofences is missing', () => ({ geofences: { path: join(folder, 'none.json') } })],
  ])('stay as they are while %s', async (_, wrong) => {
    const { fencesFile, writeSettings, writeFences, start, metric } = scene();
    writeFences('a');
    writeSettings({ geofences: { path: fencesFile } });
    const path = start();
    writeSettings(wrong());
    path.reload('test');
    expect(await metric('edge_alert_fences')).toBe(1);
    expect(await metric('edge_alert_rule_reloads_total\\{result="refused"\\}')).toBe(1);
  });

  it('keep the gateway from starting when they are wrong then', () => {
    const { fencesFile, writeSettings, writeFences, start } = scene();
    writeFences('a', 'a');
    writeSettings({ geofences: { path: fencesFile } });
    expect(start).toThrow(expect.objectContaining({ code: 'invalid_fences' }));
  });
});
