import { type Static, Type } from 'typebox';
import { defaultRoutes } from '../core/default-routes.ts';
import { eventSettings, routes, validation } from './schema-events.ts';
import { integer, section, text } from './schema-parts.ts';

const listener = section('One address that devices connect to.', {
  name: text('Name in logs and metrics.', {
    pattern: '^[a-z][a-z0-9-]{0,31}$',
    rule: 'a letter and up to 31 letters, digits or -, in lower case',
  }),
  host: text('Address to listen on.', { default: '0.0.0.0', minLength: 1 }),
  port: integer('TCP port; 0 takes any free one.', { default: 1883, minimum: 0, maximum: 65_535 }),
  auth: Type.Enum(['registry', 'anonymous'], {
    default: 'registry',
    description:
      '`registry`: user name and password of a registered device. `anonymous`: anybody, for any vehicle or bay; trusted networks only.',
  }),
});

const mqtt = section('Limits of the MQTT edge.', {
  maxPacketBytes: integer('Largest MQTT packet, enforced while it is still arriving.', {
    default: 262_144,
    minimum: 1024,
    maximum: 16_777_216,
  }),
  connectTimeoutMs: integer('Time from accepting a connection to its complete CONNECT.', {
    default: 10_000,
    minimum: 100,
    maximum: 600_000,
  }),
  maxConnections: integer('Connections at once, over all listeners; further ones are closed at once.', {
    default: 20_000,
    minimum: 1,
    maximum: 1_000_000,
  }),
  maxKeepAliveSeconds: integer(
    'Longest keep-alive. An MQTT 5 device that asks for more, or for none, is told this one (Server Keep Alive).',
    { default: 1200, minimum: 1, maximum: 65_535 },
  ),
  receiveMaximum: integer('QoS 1 and 2 publishes that an MQTT 5 device may have unanswered.', {
    default: 64,
    minimum: 1,
    maximum: 65_535,
  }),
  topicAliasMaximum: integer('Topic aliases per MQTT 5 connection; 0 offers none.', {
    default: 16,
    minimum: 0,
    maximum: 65_535,
  }),
  maxSessionExpirySeconds: integer(
    'Longest time that a session outlives its connection; longer wishes are shortened.',
    {
      default: 86_400,
      minimum: 0,
      maximum: 4_294_967_294,
    },
  ),
  maxSessions: integer(
    'Sessions kept at once, connected or not; above it the one that has been away longest is dropped.',
    {
      default: 100_000,
      minimum: 1,
      maximum: 10_000_000,
    },
  ),
});

const identity = section('Device registry and credentials.', {
  databasePath: text(
    'SQLite file of the device registry; made when missing. Needed by listeners with `auth: registry`.',
    {
      default: 'devices.sqlite',
      holds: 'path',
    },
  ),
  cacheMaxEntries: integer('Devices whose verified credentials are remembered, so that a reconnect costs no hash.', {
    default: 100_000,
    minimum: 1,
    maximum: 10_000_000,
  }),
  cacheTtlSeconds: integer(
    'How long verified credentials are remembered. Disabling or rotating takes effect at once.',
    {
      default: 86_400,
      minimum: 1,
      maximum: 31_536_000,
    },
  ),
  hashConcurrency: integer('Password hashes computed at once, each on a thread of its own.', {
    default: 2,
    minimum: 1,
    maximum: 64,
  }),
  hashQueueMax: integer('Connections that may wait for a hash; further ones are told that the server is busy.', {
    default: 1000,
    minimum: 1,
    maximum: 1_000_000,
  }),
});

const createTopics = section(
  'Creating missing topics at the start: for development; in production topics are reviewed.',
  {
    enabled: Type.Boolean({
      default: false,
      description: 'Create the topics of routes and dead letters when missing.',
    }),
    partitions: integer('Partitions of a created topic.', { default: 12, minimum: 1, maximum: 10_000 }),
    replicationFactor: integer('Replicas of a created topic.', { default: 3, minimum: 1, maximum: 32 }),
    minInSyncReplicas: integer('`min.insync.replicas` of a created topic.', { default: 2, minimum: 1, maximum: 32 }),
  },
);

const kafka = section('Producing to Kafka.', {
  bootstrapBrokers: Type.Array(
    text('Broker.', { pattern: '^(\\[[0-9a-fA-F:.]+\\]|[^\\s:/@\\[\\]]+):[0-9]{1,5}$', rule: 'host:port' }),
    { default: ['127.0.0.1:9092'], minItems: 1, description: 'Brokers, `host:port`, to learn the cluster from.' },
  ),
  clientId: text('Client id in the logs and quotas of the brokers.', { default: 'edge-ingest-gateway', minLength: 1 }),
  lingerMs: integer('How long an open batch waits for more records.', { default: 5, minimum: 0, maximum: 10_000 }),
  maxBatchBytes: integer(
    'Largest record batch before compression; Kafka takes up to `max.message.bytes` of the topic.',
    {
      default: 524_288,
      minimum: 16_384,
      maximum: 33_554_432,
    },
  ),
  maxBatchRecords: integer('Most records in one batch.', { default: 10_000, minimum: 1, maximum: 1_000_000 }),
  maxRequestsInFlightPerBroker: integer('Produce requests that one broker may have unanswered.', {
    default: 2,
    minimum: 1,
    maximum: 64,
  }),
  requestTimeoutMs: integer('Time that a broker has for an answer; then the same batch is sent again.', {
    default: 10_000,
    minimum: 100,
    maximum: 300_000,
  }),
  retryBackoffMs: integer('First pause before a batch is sent again; doubles with each attempt.', {
    default: 100,
    minimum: 1,
    maximum: 60_000,
  }),
  retryBackoffMaxMs: integer('Longest pause before a batch is sent again.', {
    default: 1000,
    minimum: 1,
    maximum: 300_000,
  }),
  metadataMaxAgeMs: integer('Age at which the knowledge of partitions and leaders is renewed in the background.', {
    default: 30_000,
    minimum: 100,
    maximum: 3_600_000,
  }),
  softRecords: integer('Unsettled records above which a connection with unsettled publishes is not read further.', {
    default: 50_000,
    minimum: 1,
    maximum: 100_000_000,
  }),
  hardRecords: integer('Unsettled records above which no connection is read.', {
    default: 100_000,
    minimum: 2,
    maximum: 100_000_000,
  }),
  softBytes: integer('Unsettled bytes above which a connection with unsettled publishes is not read further.', {
    default: 33_554_432,
    minimum: 16_384,
    maximum: 17_179_869_184,
  }),
  hardBytes: integer('Unsettled bytes above which no connection is read.', {
    default: 67_108_864,
    minimum: 16_384,
    maximum: 17_179_869_184,
  }),
  unreachableAfterMs: integer('How long Kafka may be unreachable before `/readyz` says so.', {
    default: 5000,
    minimum: 0,
    maximum: 3_600_000,
  }),
  createTopics,
});

const schemaRegistry = section('Schema registry that speaks the Confluent REST API.', {
  url: text('Base address; user name and password in it are masked wherever it is shown.', {
    default: 'http://127.0.0.1:8081/apis/ccompat/v7',
    pattern: '^https?://[^\\s]+$',
    rule: 'an http or https address',
    holds: 'url',
  }),
  register: Type.Boolean({
    default: true,
    description: 'Register a missing schema at the start, after its compatibility check; false: only look it up.',
  }),
  timeoutMs: integer('Time that the registry has for an answer.', { default: 5000, minimum: 100, maximum: 300_000 }),
});

const admin = section('HTTP server for health and metrics.', {
  host: text('Address to listen on.', { default: '127.0.0.1', minLength: 1 }),
  port: integer('TCP port; 0 takes any free one.', { default: 9464, minimum: 0, maximum: 65_535 }),
});

const shutdown = section('Draining on SIGTERM.', {
  drainDeadlineMs: integer('Time to settle everything unsettled; what is left then gets no answer.', {
    default: 25_000,
    minimum: 0,
    maximum: 3_600_000,
  }),
});

const log = section('Logging.', {
  level: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'Least severe level that is written.',
  }),
});

/** Every setting of the gateway, in the order of the reference. One source for validation, types, defaults and docs. */
export const gatewaySettings = section('Settings of the Edge Ingest Gateway.', {
  listeners: Type.Array(listener, {
    default: [{ name: 'devices' }],
    minItems: 1,
    description: 'Addresses that devices connect to.',
  }),
  mqtt,
  identity,
  ...routes(defaultRoutes),
  validation,
  kafka,
  ...eventSettings,
  schemaRegistry,
  admin,
  shutdown,
  log,
});

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** The effective settings: complete, checked, deeply frozen. Units are in the names. */
export type GatewayConfig = DeepReadonly<Static<typeof gatewaySettings>>;
