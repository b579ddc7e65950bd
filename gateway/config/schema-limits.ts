import { Type } from 'typebox';
import { integer, section, text } from './schema-parts.ts';

const aMillion = 1_000_000;
const rate = (description: string, byDefault: number) =>
  integer(description, { default: byDefault, minimum: 1, maximum: aMillion });
const messages = (description: string) =>
  integer(`${description} 0: no limit.`, { default: 0, minimum: 0, maximum: 10_000_000 });
const bytes = (description: string) =>
  integer(`${description} 0: no limit.`, { default: 0, minimum: 0, maximum: 10_000_000_000 });

const handshakes = section('TLS handshakes: how fast they may begin.', {
  perSecond: rate('Over all; what exceeds it waits. One core makes some 800 full handshakes a second.', 400),
  burst: rate('How many may begin at once.', 50),
  perSecondPerAddress: rate('For one address; what exceeds it is closed.', 500),
  burstPerAddress: rate('How many an address may begin at once: as many devices as are behind it.', 25_000),
  resumedCostPercent: integer('What resuming a session counts, in percent of a full handshake.', {
    default: 50,
    minimum: 0,
    maximum: 100,
  }),
  queueMax: integer(
    'How many may wait at each listener, for 30 seconds at the most. Addresses take turns; where there is no room, the newest of the one with most is closed. A quarter is kept for addresses of devices.',
    { default: 5000, minimum: 1, maximum: aMillion },
  ),
});

const connects = section('CONNECTs: how fast they may come.', {
  perSecond: rate('Over all devices.', 2000),
  burst: rate(
    'How many at once. A quarter is kept for certificates, and for addresses that devices have logged in from.',
    50_000,
  ),
  perSecondPerAddress: rate('From one address, whoever it is.', 500),
  burstPerAddress: rate('How many at once from one address: as many devices as are behind it.', 25_000),
  perSecondPerDevice: rate('Of one device, counted once its credentials were right.', 1),
  burstPerDevice: rate('How many at once of one device.', 100),
});

const connections = section('Connections at once, beside `mqtt.maxConnections`.', {
  perAddress: integer('From one address. 0: no limit.', { default: 0, minimum: 0, maximum: aMillion }),
  perDevice: integer('Of one device, each under its own client identifier.', {
    default: 16,
    minimum: 1,
    maximum: aMillion,
  }),
});

const messageRates = section('What devices may send. Beyond it they are not read for a while; nothing is dropped.', {
  messagesPerSecond: messages('Publishes of one device.'),
  bytesPerSecond: bytes('Bytes of payload of one device.'),
  burstSeconds: integer("How many seconds' worth may come at once, from a device that was quiet before.", {
    default: 60,
    minimum: 1,
    maximum: 86_400,
  }),
  hardMultiple: integer(
    'An MQTT 5 device that sends at this multiple of the rate over and over, ten times in succession, is disconnected (0x96). 0: never.',
    { default: 0, minimum: 0, maximum: 1_000_000 },
  ),
  fleetMessagesPerSecond: messages('Publishes of all devices; beyond it nobody is read.'),
  fleetBytesPerSecond: bytes('Bytes of payload of all devices; beyond it nobody is read.'),
});

const bans = section(
  'Bans of who fails to log in again and again: they are refused, and few of their passwords hashed.',
  {
    enabled: Type.Boolean({ default: true, description: 'Whether anybody is banned.' }),
    seconds: integer('How long a ban lasts.', { default: 300, minimum: 1, maximum: 86_400 }),
    windowSeconds: integer('How long failures count together.', { default: 300, minimum: 1, maximum: 86_400 }),
    failuresPerLogin: integer('Failures of one name from one address after which that name is banned from there.', {
      default: 10,
      minimum: 1,
      maximum: aMillion,
    }),
    namesPerAddress: integer(
      'Different names that may fail from one address, beyond the logins that succeed from it, before it is banned.',
      { default: 50, minimum: 1, maximum: aMillion },
    ),
    knownForSeconds: integer(
      'For how long after a login, or the end of its connection, an address counts as that of a device: banned, its sockets are still accepted.',
      { default: 86_400, minimum: 1, maximum: 31_536_000 },
    ),
    socketsPerSecond: integer(
      'Sockets that are accepted from a banned address from which no device has logged in: a device may be among them. 0: none.',
      { default: 5, minimum: 0, maximum: aMillion },
    ),
    verifiedPerMinute: integer(
      'Passwords of banned logins that are verified after the refusal, over all of them in turn: who was right gets in with the next try. 0: none.',
      { default: 60, minimum: 0, maximum: 60_000 },
    ),
  },
);

export const limits = section('Limits for hostile and broken clients, see docs/security.md.', {
  exemptAddresses: Type.Array(
    text('An address or a network, `10.0.0.0/8`.', { minLength: 1, rule: 'an IPv4 or IPv6 address or network' }),
    {
      default: ['127.0.0.0/8', '::1/128'],
      description:
        'Addresses that stand for many, such as load balancers: nothing is limited, and nobody banned, by them. The limits over all and those of each device hold.',
    },
  ),
  handshakes,
  connects,
  connections,
  messages: messageRates,
  bans,
  maxTracked: integer(
    'Addresses, devices, failed logins and bans that are remembered, each, beside the addresses and devices that are connected.',
    { default: 10_000, minimum: 100, maximum: aMillion },
  ),
  serverReference: text(
    'Where MQTT 5 devices are sent (0x9C, Server Reference) when this gateway is too busy to take them; written as `shutdown.serverReference`. Empty: they are told that it is busy (0x89).',
    {
      default: '',
      pattern: '^(?=.{0,1000}$)([!-~]+( [!-~]+)*)?$',
      rule: 'up to 1000 characters: addresses separated by single spaces, or nothing',
    },
  ),
});
