import { describe, expect, it } from 'vitest';
import { encryptedTopicsOf } from '../../../gateway/config/encrypted-topics.ts';
import { describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';
import { defaultRoutes } from '../../../gateway/core/default-routes.ts';

const encryption = { keysFile: 'keys.yaml' };
const [first, ...others] = defaultRoutes;
const all = defaultRoutes.map((route) => ({ ...route, encrypted: true }));

const problems = (settings: unknown): string[] => {
  const result = loadConfig({ settings, env: {} });
  return result.ok ? [] : result.errors.map(describeConfigError);
};

function topicsOf(settings: unknown): string[] {
  const result = loadConfig({ settings, env: {} });
  if (!result.ok) throw new Error(problems(settings).join('\n'));
  return [...encryptedTopicsOf(result.config)].sort();
}

describe('encryption', () => {
  it('is off by default, also with keys', () => {
    expect(topicsOf({})).toEqual([]);
    expect(topicsOf({ encryption, alerts: { enabled: true }, connectivity: { enabled: true } })).toEqual([]);
  });

  it('of a route takes in dead letters, alerts and records about connections, unless they are excepted', () => {
    const own = { ...first, kafkaTopic: 'veh.secret', encrypted: true };
    const settings = {
      encryption,
      routes: [own],
      alerts: { enabled: true },
      connectivity: { enabled: true, topic: 'conn' },
    };
    expect(topicsOf(settings)).toEqual(['alerts', 'conn', 'veh.events.raw.dlq', 'veh.secret']);
    const excepting = { ...settings, encryption: { ...encryption, alerts: false, connectivity: false } };
    expect(topicsOf(excepting)).toEqual(['veh.events.raw.dlq', 'veh.secret']);
    expect(topicsOf({ encryption, routes: [own] })).toEqual(['veh.events.raw.dlq', 'veh.secret']);
  });

  it('takes keys', () => {
    expect(problems({ routes: [all[0]] }).join()).toMatch(/routes\[0\]\.encrypted.*encryption\.keysFile/);
    expect(problems({ spool: { encrypted: true } }).join()).toMatch(/spool\.encrypted.*encryption\.keysFile/);
    expect(problems({ encryption: { masterKeysFile: 'm' } }).join()).toMatch(/encryption\.masterKeysFile/);
    expect(problems({ encryption, spool: { encrypted: true } })).toEqual([]);
  });

  it('is of a topic as a whole, so that a consumer may refuse what is plain', () => {
    expect(problems({ encryption, routes: all })).toEqual([]);
    const mixed = [all[0], ...others];
    expect(problems({ encryption, routes: mixed }).join()).toMatch(
      /routes\[1\]\.encrypted.*the topic veh\.events\.raw/,
    );
    const plainAlerts = {
      encryption: { ...encryption, alerts: false },
      routes: all,
      alerts: { enabled: true, topic: 'veh.events.raw' },
    };
    expect(problems(plainAlerts).join()).toMatch(/encryption\.alerts/);
    const plainConnectivity = {
      encryption: { ...encryption, connectivity: false },
      routes: all,
      connectivity: { enabled: true },
    };
    expect(problems(plainConnectivity).join()).toMatch(/encryption\.connectivity/);
  });
});
