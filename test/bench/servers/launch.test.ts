import { describe, expect, it } from 'vitest';
import { gatewaySettings } from '../../../bench/servers/launch.ts';
import { factors } from '../../../bench/study/plan.ts';
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
