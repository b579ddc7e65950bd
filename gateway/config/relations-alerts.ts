import { type ConfigError, joinPath } from './errors.ts';
import type { GatewayConfig } from './schema.ts';

/** Relations between the settings about alerts, and of these to others. */
export function alertContradictions({ alerts, deadLetterTopic, duplicates, spool }: Config): ConfigError[] {
  const { lowPercent, recoveredPercent } = alerts.lowBattery;
  const rules: [boolean, string[], string | number, string][] = [
    [
      recoveredPercent > lowPercent,
      ['lowBattery', 'recoveredPercent'],
      recoveredPercent,
      `more than alerts.lowBattery.lowPercent (${lowPercent})`,
    ],
    [!['.', '..'].includes(alerts.topic), ['topic'], alerts.topic, 'a name that Kafka takes: neither . nor ..'],
    [
      !alerts.enabled || alerts.topic !== deadLetterTopic,
      ['topic'],
      alerts.topic,
      'another topic than that of dead letters (deadLetterTopic)',
    ],
    [
      !alerts.enabled || duplicates.enabled,
      ['enabled'],
      String(alerts.enabled),
      'false without duplicates.enabled: a copy would be answered before the alert of the first one is durable',
    ],
    [
      alerts.state.directory === '' || spool.mode === 'off' || alerts.state.directory !== spool.directory,
      ['state', 'directory'],
      alerts.state.directory,
      'another directory than spool.directory',
    ],
  ];
  return rules
    .filter(([holds]) => !holds)
    .map(([, path, value, allowed]) => ({
      code: 'contradiction',
      setting: joinPath(['alerts', ...path]),
      value: String(value),
      allowed,
    }));
}

type Config = Pick<GatewayConfig, 'alerts' | 'deadLetterTopic' | 'duplicates' | 'spool'>;
