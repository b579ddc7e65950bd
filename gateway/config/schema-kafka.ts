import { Type } from 'typebox';
import { sasl, tls } from './schema-kafka-security.ts';
import { integer, section, text } from './schema-parts.ts';

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

export const kafka = section('Producing to Kafka.', {
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
  tls,
  sasl,
  createTopics,
});
