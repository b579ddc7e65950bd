import type { Static } from 'typebox';
import type { ConfigError } from './errors.ts';
import type { alerts } from './schema-alerts.ts';

/** Relations between the settings about alerts, which are found under `alerts`. */
export function alertContradictions({ lowBattery }: Static<typeof alerts>): ConfigError[] {
  const { lowPercent, recoveredPercent } = lowBattery;
  if (recoveredPercent > lowPercent) return [];
  return [
    {
      code: 'contradiction',
      setting: 'alerts.lowBattery.recoveredPercent',
      value: String(recoveredPercent),
      allowed: `more than alerts.lowBattery.lowPercent (${lowPercent})`,
    },
  ];
}
