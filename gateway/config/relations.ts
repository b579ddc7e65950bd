import { RouteError } from '../core/route.ts';
import { RouteTable } from '../core/route-table.ts';
import { type ConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import { leastCeilingBytes, memoryNeeds } from './memory-needs.ts';
import { administrationContradictions } from './relations-administration.ts';
import { alertContradictions } from './relations-alerts.ts';
import { authorizationContradictions } from './relations-authorization.ts';
import { deviceStoreContradictions } from './relations-device-store.ts';
import { duplicatesContradictions } from './relations-duplicates.ts';
import { encryptionContradictions } from './relations-encryption.ts';
import { kafkaSecurityContradictions } from './relations-kafka-security.ts';
import { limitContradictions } from './relations-limits.ts';
import { registryContradictions } from './relations-registry.ts';
import { tlsContradictions } from './relations-tls.ts';
import { tokenContradictions } from './relations-tokens.ts';
import { topicContradictions } from './relations-topics.ts';
import { transportContradictions } from './relations-transport.ts';
import type { GatewayConfig } from './schema.ts';

type Path = readonly (string | number)[];

/**
 * What a dead letter has beside the raw payload: key, headers with MQTT topic, reason and detail, record framing. A
 * publish of the largest packet size must still fit into a batch with it, or its bytes would be lost to the topic.
 */
export const deadLetterHeadroomBytes = 16_384;

/** Checks what no single setting shows: relations between settings, and syntax that a pattern can't express. */
export const contradictions = (config: GatewayConfig): ConfigError[] => [
  ...ordering(config),
  ...spooling(config),
  ...listening(config),
  ...tlsContradictions(config),
  ...transportContradictions(config),
  ...tokenContradictions(config),
  ...deviceStoreContradictions(config),
  ...routing(config),
  ...authorizationContradictions(config),
  ...topicContradictions(config),
  ...administrationContradictions(config),
  ...alertContradictions(config),
  ...duplicatesContradictions(config),
  ...encryptionContradictions(config),
  ...addresses(config),
  ...kafkaSecurityContradictions(config),
  ...limitContradictions(config),
  ...memory(config),
];

const contradiction = (path: Path, value: unknown, allowed: string): ConfigError => ({
  code: 'contradiction',
  setting: joinPath(path),
  value: showValue(value),
  allowed,
});

const wrongValue = (path: Path, value: unknown, allowed: string): ConfigError => ({
  ...contradiction(path, value, allowed),
  code: 'wrong_value',
});

function ordering({ kafka, mqtt, shutdown }: GatewayConfig): ConfigError[] {
  const { createTopics } = kafka;
  const largest = kafka.maxBatchBytes - deadLetterHeadroomBytes;
  const rules: [boolean, Path, unknown, string][] = [
    [
      kafka.softRecords < kafka.hardRecords,
      ['kafka', 'softRecords'],
      kafka.softRecords,
      `less than kafka.hardRecords (${kafka.hardRecords})`,
    ],
    [
      kafka.softBytes < kafka.hardBytes,
      ['kafka', 'softBytes'],
      kafka.softBytes,
      `less than kafka.hardBytes (${kafka.hardBytes})`,
    ],
    [
      kafka.maxBatchBytes <= kafka.softBytes,
      ['kafka', 'maxBatchBytes'],
      kafka.maxBatchBytes,
      `at most kafka.softBytes (${kafka.softBytes})`,
    ],
    [
      kafka.maxBatchRecords <= kafka.softRecords,
      ['kafka', 'maxBatchRecords'],
      kafka.maxBatchRecords,
      `at most kafka.softRecords (${kafka.softRecords})`,
    ],
    [
      kafka.retryBackoffMs <= kafka.retryBackoffMaxMs,
      ['kafka', 'retryBackoffMs'],
      kafka.retryBackoffMs,
      `at most kafka.retryBackoffMaxMs (${kafka.retryBackoffMaxMs})`,
    ],
    [
      kafka.lingerMs < kafka.requestTimeoutMs,
      ['kafka', 'lingerMs'],
      kafka.lingerMs,
      `less than kafka.requestTimeoutMs (${kafka.requestTimeoutMs})`,
    ],
    [
      mqtt.maxPacketBytes <= largest,
      ['mqtt', 'maxPacketBytes'],
      mqtt.maxPacketBytes,
      `at most kafka.maxBatchBytes less ${deadLetterHeadroomBytes} for headers (${largest})`,
    ],
    [
      mqtt.maxSessions >= mqtt.maxConnections,
      ['mqtt', 'maxSessions'],
      mqtt.maxSessions,
      `at least mqtt.maxConnections (${mqtt.maxConnections}): every connection has a session`,
    ],
    [
      mqtt.maxPacketBytes <= mqtt.maxPartialBytes,
      ['mqtt', 'maxPartialBytes'],
      mqtt.maxPartialBytes,
      `at least mqtt.maxPacketBytes (${mqtt.maxPacketBytes})`,
    ],
    [
      createTopics.minInSyncReplicas <= createTopics.replicationFactor,
      ['kafka', 'createTopics', 'minInSyncReplicas'],
      createTopics.minInSyncReplicas,
      `at most kafka.createTopics.replicationFactor (${createTopics.replicationFactor})`,
    ],
    [
      !shutdown.serverMoved || shutdown.serverReference !== '',
      ['shutdown', 'serverMoved'],
      shutdown.serverMoved,
      'false without a shutdown.serverReference: nobody is told where to',
    ],
  ];
  return rules.filter(([holds]) => !holds).map(([, path, value, allowed]) => contradiction(path, value, allowed));
}

/** Only for a spool that is on: its defaults must not refuse a gateway with small limits. */
function spooling({ kafka, spool }: GatewayConfig): ConfigError[] {
  if (spool.mode === 'off') return [];
  const rules: [boolean, keyof typeof spool, string][] = [
    [
      spool.maxBytes >= 2 * spool.segmentBytes,
      'maxBytes',
      `at least twice spool.segmentBytes (${spool.segmentBytes}): room is made a segment at a time`,
    ],
    [
      spool.maxBytes >= 2 * kafka.maxBatchBytes,
      'maxBytes',
      `at least twice kafka.maxBatchBytes (${kafka.maxBatchBytes}): a batch that never fits would never be taken`,
    ],
    [
      spool.replayMaxRecords < kafka.softRecords,
      'replayMaxRecords',
      `less than kafka.softRecords (${kafka.softRecords}): a replay alone must not hold devices back`,
    ],
    [
      spool.replayMaxBytes < kafka.softBytes,
      'replayMaxBytes',
      `less than kafka.softBytes (${kafka.softBytes}): a replay alone must not hold devices back`,
    ],
  ];
  return rules
    .filter(([holds]) => !holds)
    .map(([, setting, allowed]) => contradiction(['spool', setting], spool[setting], allowed));
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** `::` takes IPv4 too; `0.0.0.0` takes no IPv6 address. */
const covers = (a: string, b: string): boolean => a === b || a === '::' || (a === '0.0.0.0' && !b.includes(':'));

const collide = (a: Address, b: Address): boolean =>
  a.port === b.port && a.port !== 0 && (covers(a.host, b.host) || covers(b.host, a.host));

function listening({ listeners, admin }: GatewayConfig): ConfigError[] {
  const errors = listeners.flatMap((listener, index) => {
    const found: ConfigError[] = [];
    for (const earlier of listeners.slice(0, index)) {
      if (earlier.name === listener.name) {
        found.push(contradiction(['listeners', index, 'name'], listener.name, 'a name that no other listener has'));
      }
      if (collide(earlier, listener)) {
        const allowed = `a port that listener ${earlier.name} does not have`;
        found.push(contradiction(['listeners', index, 'port'], listener.port, allowed));
      }
    }
    return found;
  });
  const taken = listeners.find((listener) => collide(listener, admin));
  if (taken !== undefined) {
    errors.push(contradiction(['admin', 'port'], admin.port, `a port that listener ${taken.name} does not have`));
  }
  return errors;
}

function routing({ routes, deadLetterTopic }: GatewayConfig): ConfigError[] {
  const errors = routes.flatMap((route, index) => [
    ...routeErrors([route], ['routes', index]),
    ...topicName(['routes', index, 'kafkaTopic'], route.kafkaTopic),
  ]);
  // Whether routes overlap can be judged once each of them is right.
  if (errors.length === 0) errors.push(...routeErrors(routes, ['routes']));
  if (routes.some((route) => route.kafkaTopic === deadLetterTopic)) {
    errors.push(contradiction(['deadLetterTopic'], deadLetterTopic, 'a topic that no route writes to'));
  }
  return [...errors, ...topicName(['deadLetterTopic'], deadLetterTopic)];
}

/** The core knows what a route is; here its refusal gets the path of the setting. */
function routeErrors(routes: GatewayConfig['routes'], path: Path): ConfigError[] {
  try {
    new RouteTable(routes);
    return [];
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    return [{ code: 'invalid_route', setting: joinPath(path), value: error.message, allowed: '' }];
  }
}

const topicName = (path: Path, topic: string): ConfigError[] =>
  topic === '.' || topic === '..' ? [wrongValue(path, topic, 'a name that Kafka takes: neither . nor ..')] : [];

function addresses(config: GatewayConfig): ConfigError[] {
  const errors = config.kafka.bootstrapBrokers.flatMap((broker, index): ConfigError[] => {
    const port = Number(broker.slice(broker.lastIndexOf(':') + 1));
    if (port >= 1 && port <= 65_535) return [];
    return [wrongValue(['kafka', 'bootstrapBrokers', index], broker, 'host:port with a port from 1 to 65535')];
  });
  return [...errors, ...registryContradictions(config)];
}

/** A ceiling that the limits themselves would run into is none. */
function memory(config: GatewayConfig): ConfigError[] {
  const { maxBytes } = config.memory;
  const least = leastCeilingBytes(config);
  if (maxBytes === 0 || maxBytes >= least) return [];
  const parts = memoryNeeds(config)
    .toSorted((a, b) => b.bytes - a.bytes)
    .map(({ setting, bytes }) => `${setting} ${inMiB(bytes)}`);
  const allowed = `at least ${least} (${inMiB(least)}), or lower limits; they add up to: ${parts.join(', ')}`;
  return [contradiction(['memory', 'maxBytes'], maxBytes, allowed)];
}

const inMiB = (bytes: number): string => `${Math.ceil(bytes / 1_048_576)} MiB`;
