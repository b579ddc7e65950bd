import { Type } from 'typebox';
import { postgres } from './schema-device-store.ts';
import { integer, section, text } from './schema-parts.ts';
import { certificates, listenerTls } from './schema-tls.ts';
import { tokens } from './schema-tokens.ts';
import { listenerProxyProtocol, listenerWebSocket } from './schema-transport.ts';

export const listener = section('One address that devices connect to.', {
  name: text('Name in logs and metrics.', {
    pattern: '^[a-z][a-z0-9-]{0,31}$',
    rule: 'a letter and up to 31 letters, digits or -, in lower case',
  }),
  host: text('Address to listen on; `0.0.0.0` for all of this machine, which needs `tls` or `allowPlaintext`.', {
    default: '127.0.0.1',
    minLength: 1,
  }),
  port: integer('TCP port; 0 takes any free one.', { default: 1883, minimum: 0, maximum: 65_535 }),
  auth: Type.Enum(['registry', 'anonymous'], {
    default: 'registry',
    description:
      '`registry`: user name and password of a registered device. `anonymous`: anybody, for any vehicle or bay; trusted networks only.',
  }),
  allowPlaintext: Type.Boolean({
    default: false,
    description:
      'Without `tls`, listen on an address that others can reach. Passwords and positions can then be read on the way.',
  }),
  tls: Type.Optional(listenerTls),
  transport: Type.Enum(['tcp', 'websocket'], {
    default: 'tcp',
    description: 'What carries MQTT: TCP as it is, or WebSocket. Over TLS where the listener has `tls`.',
  }),
  webSocket: listenerWebSocket,
  proxyProtocol: Type.Optional(listenerProxyProtocol),
  credentials: Type.Enum(['secret', 'token', 'either'], {
    default: 'secret',
    description:
      "With `auth: registry`, what the password is. `secret`: the device's own. `token`: a JWT, see `identity.tokens`. `either`: what has the shape of a JWT is one.",
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
  store: Type.Enum(['sqlite', 'postgres'], {
    default: 'sqlite',
    description:
      'Where the device registry is. `sqlite`: in a file, for one gateway, or several on one machine. `postgres`: in a server, for any number of gateways.',
  }),
  databasePath: text(
    'With `store: sqlite`: file of the device registry; made when missing. Needed by listeners with `auth: registry`.',
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
    'How long verified credentials are remembered. A change of the device in the registry counts within 5 seconds, remembered or not.',
    {
      default: 86_400,
      minimum: 1,
      maximum: 31_536_000,
    },
  ),
  offlineGraceSeconds: integer(
    'For how long devices that have proved themselves before may connect while the registry does not answer; others are told that the server is unavailable (0x88). 0: not at all. Counted from when changes are seen no more.',
    { default: 3600, minimum: 0, maximum: 604_800 },
  ),
  hashConcurrency: integer(
    'Password hashes computed at once, each on a thread of its own at a lower priority (Linux) than everything else. 0: one less than there are cores, 1 at the least and 2 at the most.',
    {
      default: 0,
      minimum: 0,
      maximum: 64,
    },
  ),
  hashQueueMax: integer(
    'Connections that may wait for a hash, and as many again from addresses that devices have logged in from; further ones are told that the server is busy.',
    {
      default: 1000,
      minimum: 1,
      maximum: 1_000_000,
    },
  ),
  postgres,
  certificates,
  tokens,
});
