import { type ConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import { isLoopback } from './relations-tls.ts';
import type { GatewayConfig } from './schema.ts';

type Config = Pick<
  GatewayConfig,
  'administration' | 'admin' | 'listeners' | 'deadLetterTopic' | 'routes' | 'connectivity' | 'alerts'
>;

/** Relations of the settings about administration to others. Only where it is switched on. */
export function administrationContradictions(config: Config): ConfigError[] {
  const { administration, admin, listeners } = config;
  if (!administration.enabled) return [];
  const { host, port, tls, allowPlaintext, audit } = administration;
  const taken = [{ name: 'admin', ...admin }, ...listeners].find((other) => port !== 0 && other.port === port);
  const rules: [boolean, (string | number)[], unknown, string][] = [
    [
      tls !== undefined || allowPlaintext || isLoopback(host),
      ['host'],
      host,
      'administration.tls, a loopback address such as 127.0.0.1, or administration.allowPlaintext: true for a network where nobody listens',
    ],
    [tls === undefined || !allowPlaintext, ['allowPlaintext'], allowPlaintext, 'false, as there is administration.tls'],
    [taken === undefined, ['port'], port, `a port that ${taken?.name} does not have`],
    [
      audit.topic === '' || !topicsOf(config).includes(audit.topic),
      ['audit', 'topic'],
      audit.topic,
      'a topic that nothing else is written to: who may read events need not know who administers',
    ],
    [
      audit.topic !== '.' && audit.topic !== '..',
      ['audit', 'topic'],
      audit.topic,
      'a name that Kafka takes: neither . nor ..',
    ],
  ];
  return rules
    .filter(([holds]) => !holds)
    .map(([, path, value, allowed]) => ({
      code: 'contradiction',
      setting: joinPath(['administration', ...path]),
      value: showValue(value),
      allowed,
    }));
}

const topicsOf = ({ routes, deadLetterTopic, connectivity, alerts }: Config): string[] => [
  deadLetterTopic,
  ...routes.map(({ kafkaTopic }) => kafkaTopic),
  ...(connectivity.enabled ? [connectivity.topic] : []),
  ...(alerts.enabled ? [alerts.topic] : []),
];
