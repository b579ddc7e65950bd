import { Type } from 'typebox';
import { certificateNameKinds } from '../core/client-certificate.ts';
import { integer, section, text } from './schema-parts.ts';

const file = { minLength: 1, holds: 'path' } as const;

/** TLS of one listener. Left out, the listener speaks plain MQTT. */
export const listenerTls = Type.Object(
  {
    certFile: text("The server's certificate in PEM, those of intermediate authorities behind it.", file),
    keyFile: text('Its private key in PEM, unencrypted, readable by its owner only.', file),
    clientCertificates: Type.Enum(['none', 'optional', 'required'], {
      default: 'none',
      description:
        'Whether devices show certificates. A certificate that is shown must be good, and must be that of the device that connects, in either case.',
    }),
    clientCaFile: Type.Optional(
      text(
        'The authorities that sign certificates of devices, in PEM; with crlFiles, intermediate authorities included. Needed where certificates are taken.',
        file,
      ),
    ),
    crlFiles: Type.Array(text('Revocation lists in PEM.', file), {
      default: [],
      description:
        'Revocation lists signed by these authorities. With any, each authority in the chain needs one, and one that is out of date refuses every certificate.',
    }),
    crlUrls: Type.Array(
      text('Address of a revocation list, in PEM or DER.', {
        pattern: '^(https://[^\\s@]+|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:[0-9]+)?(/[^\\s@]*)?)$',
        rule: 'an https address without user name (http only on this machine)',
        holds: 'url',
      }),
      {
        default: [],
        description:
          'Revocation lists that are fetched: all of them before devices may connect, then at an interval. One that can not be fetched stays as it was.',
      },
    ),
    crlRefreshSeconds: integer('How often the lists of `crlUrls` are fetched; also on SIGHUP.', {
      default: 60,
      minimum: 1,
      maximum: 86_400,
    }),
    crlMaxBytes: integer('Largest list of `crlUrls`.', { default: 4_194_304, minimum: 1024, maximum: 67_108_864 }),
    certificateSuffices: Type.Boolean({
      default: false,
      description: 'A device with a certificate needs no password; else it needs both.',
    }),
    minVersion: Type.Enum(['1.2', '1.3'], { default: '1.2', description: 'Oldest version of TLS that is spoken.' }),
    handshakeTimeoutMs: integer(
      'Time for a handshake, from its beginning. How long may be waited for that: limits.handshakes.',
      {
        default: 10_000,
        minimum: 100,
        maximum: 600_000,
      },
    ),
    maxHandshakes: integer('Handshakes under way at once. Further connections wait (limits.handshakes.queueMax).', {
      default: 1000,
      minimum: 1,
      maximum: 1_000_000,
    }),
    ticketSecretFile: Type.Optional(
      text(
        'Secret that session tickets are made with, as `npm run certs -- ticket-secret` makes it. Gateways that share it take the tickets of each other. Left out: tickets are good for one process.',
        file,
      ),
    ),
    ticketRotationHours: integer(
      'With a `ticketSecretFile`, after how long tickets of before count no more, in all gateways at the same time.',
      { default: 24, minimum: 1, maximum: 168 },
    ),
    ticketLifetimeSeconds: integer(
      'How long a device may come back with a ticket instead of a full handshake. At most a week (RFC 8446).',
      { default: 86_400, minimum: 60, maximum: 604_800 },
    ),
    watchSeconds: integer(
      'How often these files are looked at; a change is taken as on SIGHUP, without dropping connections. 0: on SIGHUP only.',
      { default: 2, minimum: 0, maximum: 86_400 },
    ),
  },
  {
    additionalProperties: false,
    description: 'TLS 1.2 and 1.3 on a listener, see docs/security.md. Left out: plain MQTT.',
  },
);

export const certificates = section('Which device a client certificate belongs to.', {
  deviceIdFrom: Type.Enum([...certificateNameKinds], {
    default: 'san-uri',
    description:
      'The name that holds the id of the device: subject alternative name of type URI or DNS, or the common name.',
  }),
  pattern: text(
    'What the name looks like, `{deviceId}` being the id. Empty: `urn:device:{deviceId}` for a URI, the whole name otherwise.',
    {
      default: '',
      pattern: '^([^{}]{0,200}\\{deviceId\\}[^{}]{0,200})?$',
      rule: 'text with {deviceId} in it once, or nothing',
    },
  ),
});
