import type { Static } from 'typebox';
import { Default } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { check } from '../../../gateway/config/check.ts';
import { defaultConfig } from '../../../gateway/config/load.ts';
import { alertContradictions } from '../../../gateway/config/relations-alerts.ts';
import { alerts } from '../../../gateway/config/schema-alerts.ts';
import { type AlertRuleSettings, compileRules } from '../../../gateway/core/alerts/compile.ts';
import type { FenceLimits } from '../../../gateway/core/alerts/geofences/parse.ts';

const defaults = Default(alerts, {}) as Static<typeof alerts>;

const withAlerts = (alerts: Partial<typeof defaults>): typeof defaultConfig => ({
  ...defaultConfig,
  alerts: { ...defaults, ...alerts },
});

describe('the settings about alerts', () => {
  it('have defaults that are allowed, and that the rules take as they are', () => {
    const settings: AlertRuleSettings = defaults;
    const limits: FenceLimits = defaults.geofences;
    expect(check(alerts, defaults)).toEqual([]);
    expect(alertContradictions(defaultConfig)).toEqual([]);
    expect(defaultConfig.alerts).toEqual(defaults);
    // All but that of geofences, since there are none.
    expect(compileRules(settings, [])).toHaveLength(4);
    expect(limits.severity).toBe('warning');
  });

  it('refuse a recovered battery that is still low', () => {
    const lowBattery = { ...defaults.lowBattery, lowPercent: 30, recoveredPercent: 30 };
    expect(alertContradictions(withAlerts({ lowBattery }))).toEqual([
      expect.objectContaining({
        setting: 'alerts.lowBattery.recoveredPercent',
        value: '30',
        allowed: 'more than alerts.lowBattery.lowPercent (30)',
      }),
    ]);
  });

  it('keep alerts and dead letters, and states and the spool, apart', () => {
    const { deadLetterTopic, spool } = defaultConfig;
    expect(alertContradictions(withAlerts({ enabled: true, topic: deadLetterTopic }))).toEqual([
      expect.objectContaining({ setting: 'alerts.topic' }),
    ]);
    const state = { ...defaults.state, directory: spool.directory };
    expect(alertContradictions({ ...withAlerts({ state }), spool: { ...spool, mode: 'outage' } })).toEqual([
      expect.objectContaining({ setting: 'alerts.state.directory' }),
    ]);
  });

  it('need duplicates to be dropped: a copy must wait for the alerts of the first one', () => {
    const duplicates = { ...defaultConfig.duplicates, enabled: false };
    expect(alertContradictions({ ...withAlerts({ enabled: false }), duplicates })).toEqual([]);
    expect(alertContradictions({ ...withAlerts({ enabled: true }), duplicates })).toEqual([
      expect.objectContaining({ setting: 'alerts.enabled' }),
    ]);
  });

  it.each([
    ['P0A80', true],
    ['P0*', true],
    ['*', true],
    ['', false],
    ['P*0', false],
    ['x'.repeat(33), false],
  ])('take %j for a fault code or its beginning: %s', (code, isAllowed) => {
    expect(check(alerts, { faultCodes: { codes: [code] } })).toHaveLength(isAllowed ? 0 : 1);
  });
});
