import { encryptedTopicsOf } from './encrypted-topics.ts';
import { type ConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import type { GatewayConfig } from './schema.ts';

type Config = Pick<GatewayConfig, 'routes' | 'deadLetterTopic' | 'alerts' | 'connectivity' | 'encryption' | 'spool'>;

/** Nothing is encrypted without keys, and a topic is encrypted as a whole or not at all. */
export const encryptionContradictions = (config: Config): ConfigError[] => [
  ...withoutKeys(config),
  ...halfEncrypted(config),
];

function withoutKeys({ routes, encryption, spool }: Config): ConfigError[] {
  const { keysFile, masterKeysFile } = encryption;
  if (keysFile !== '') return [];
  const wanting = [
    ...routes.flatMap(({ encrypted }, index): [string, unknown][] =>
      encrypted === true ? [[joinPath(['routes', index, 'encrypted']), true]] : [],
    ),
    ...(spool.encrypted ? [['spool.encrypted', true] as [string, unknown]] : []),
    ...(masterKeysFile === '' ? [] : [['encryption.masterKeysFile', masterKeysFile] as [string, unknown]]),
  ];
  return wanting.map(([setting, value]) => contradiction(setting, value, 'absent without encryption.keysFile'));
}

/**
 * Whoever may write to a topic could put plain records there: a consumer can only tell that they are none of the gateway's
 * when all of the gateway's are encrypted.
 */
function halfEncrypted(config: Config): ConfigError[] {
  const { routes, alerts, connectivity, encryption } = config;
  const encrypted = encryptedTopicsOf(config);
  const others: [setting: string, value: unknown, topic: string, isPlain: boolean][] = [
    ...routes.map((route, index): [string, unknown, string, boolean] => [
      joinPath(['routes', index, 'encrypted']),
      route.encrypted ?? false,
      route.kafkaTopic,
      route.encrypted !== true,
    ]),
    ['encryption.alerts', encryption.alerts, alerts.topic, alerts.enabled && !encryption.alerts],
    [
      'encryption.connectivity',
      encryption.connectivity,
      connectivity.topic,
      connectivity.enabled && !encryption.connectivity,
    ],
  ];
  return others
    .filter(([, , topic, isPlain]) => isPlain && encrypted.has(topic))
    .map(([setting, value, topic]) =>
      contradiction(setting, value, `true, as other records of the topic ${topic} are encrypted; or another topic`),
    );
}

const contradiction = (setting: string, value: unknown, allowed: string): ConfigError => ({
  code: 'contradiction',
  setting,
  value: showValue(value),
  allowed,
});
