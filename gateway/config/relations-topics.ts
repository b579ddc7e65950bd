import { type ConfigError, joinPath } from './errors.ts';
import { defaultRoutesTo, eventNames, usualTopic } from './event-topics.ts';
import { showValue } from './mask.ts';
import type { GatewayConfig } from './schema.ts';
import { topicNaming } from './topic-naming.ts';

type Config = Pick<
  GatewayConfig,
  'routes' | 'eventTopics' | 'deadLetterTopic' | 'connectivity' | 'alerts' | 'administration' | 'topicNaming'
>;

/** Checks which topics the gateway writes to, and what they are called. */
export const topicContradictions = (config: Config): ConfigError[] => [
  ...withoutEffect(config),
  ...sharedWithLetters(config),
  ...misnamed(config),
];

/** Topics of types are for the default routes: routes of one's own name theirs. */
function withoutEffect({ routes, eventTopics }: Config): ConfigError[] {
  if (JSON.stringify(routes) === JSON.stringify(defaultRoutesTo(eventTopics))) return [];
  return eventNames
    .filter((name) => eventTopics[name] !== usualTopic)
    .map((name) => ({
      code: 'contradiction',
      setting: joinPath(['eventTopics', name]),
      value: showValue(eventTopics[name]),
      allowed: 'absent beside routes of your own: name the topic as their kafkaTopic',
    }));
}

function sharedWithLetters({ connectivity, deadLetterTopic }: Config): ConfigError[] {
  if (!connectivity.enabled || connectivity.topic !== deadLetterTopic) return [];
  const allowed = 'another topic than that of dead letters (deadLetterTopic)';
  return [{ code: 'contradiction', setting: 'connectivity.topic', value: showValue(connectivity.topic), allowed }];
}

function misnamed(config: Config): ConfigError[] {
  const { topicNaming: pattern } = config;
  if (pattern === '') return [];
  const naming = topicNaming(pattern);
  if (naming === undefined) {
    const allowed = 'names in braces, brackets around what may be missing: {domain}.{entity}.{event}[.v{version}]';
    return [{ code: 'wrong_value', setting: 'topicNaming', value: showValue(pattern), allowed }];
  }
  return topicsOf(config)
    .filter(([, topic]) => !naming.test(topic))
    .map(([setting, topic]) => ({
      code: 'contradiction',
      setting,
      value: showValue(topic),
      allowed: `a name like ${pattern} (topicNaming)`,
    }));
}

/** Every topic that is written to, under the setting that names it. */
function topicsOf({
  routes,
  deadLetterTopic,
  connectivity,
  alerts,
  administration,
}: Config): [setting: string, topic: string][] {
  return [
    ...routes.map(({ kafkaTopic }, index): [string, string] => [joinPath(['routes', index, 'kafkaTopic']), kafkaTopic]),
    ['deadLetterTopic', deadLetterTopic],
    ...(connectivity.enabled ? [['connectivity.topic', connectivity.topic] as [string, string]] : []),
    ...(alerts.enabled ? [['alerts.topic', alerts.topic] as [string, string]] : []),
    ...(administration.enabled && administration.audit.topic !== ''
      ? [['administration.audit.topic', administration.audit.topic] as [string, string]]
      : []),
  ];
}
