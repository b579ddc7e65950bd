import { Type } from 'typebox';
import { integer, section, text } from './schema-parts.ts';

export const listener = section('One address that devices connect to.', {
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

export const mqtt = section('Limits of the MQTT edge.', {
  maxPacketBytes: integer('Largest MQTT packet, enforced while it is still arriving.', {
    default: 262_144,
    minimum: 1024,
    maximum: 16_777_216,
  }),
  connectTimeoutMs: integer('Time from accepting a connection to its complete CONNECT, and from there to its answer.', {
    default: 10_000,
    minimum: 100,
    maximum: 600_000,
  }),
  maxConnections: integer('Connections at once, over all listeners; further ones are told that the server is busy.', {
    default: 20_000,
    minimum: 1,
    maximum: 1_000_000,
  }),
  maxKeepAliveSeconds: integer(
    'Longest keep-alive. An MQTT 5 device that asks for more, or for none, is told this one (Server Keep Alive).',
    { default: 1200, minimum: 1, maximum: 65_535 },
  ),
  receiveMaximum: integer(
    'QoS 1 and 2 publishes that a device may have unanswered. One of MQTT 3.1.1, which cannot be told, is not read beyond.',
    { default: 64, minimum: 1, maximum: 65_535 },
  ),
  receiveMaximumUnderPressure: integer(
    'The same for devices that connect while the gateway is under pressure; it stays theirs until they connect again. Who sends more is not read further.',
    { default: 8, minimum: 1, maximum: 65_535 },
  ),
  maxInFlightBytes: integer(
    'Payload bytes that one connection may have unanswered before it is not read further: its share of what is unsettled.',
    { default: 1_048_576, minimum: 1024, maximum: 1_073_741_824 },
  ),
  maxPartialBytes: integer(
    'Bytes of packets that are still arriving, over all connections; above it the connection that holds most is closed.',
    { default: 67_108_864, minimum: 65_536, maximum: 17_179_869_184 },
  ),
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

export const identity = section('Device registry and credentials.', {
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
    "How long verified credentials are remembered. Disabling, rotating and removing take effect at the device's next CONNECT, cached or not.",
    {
      default: 86_400,
      minimum: 1,
      maximum: 31_536_000,
    },
  ),
  hashConcurrency: integer(
    'Password hashes computed at once, off the event loop; more than 3 need a larger UV_THREADPOOL_SIZE.',
    {
      default: 2,
      minimum: 1,
      maximum: 64,
    },
  ),
  hashQueueMax: integer('Connections that may wait for a hash; further ones are told that the server is busy.', {
    default: 1000,
    minimum: 1,
    maximum: 1_000_000,
  }),
});
