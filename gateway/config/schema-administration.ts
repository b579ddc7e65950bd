import { Type } from 'typebox';
import { integer, section, text } from './schema-parts.ts';

const file = { minLength: 1, holds: 'path' } as const;

const tls = Type.Object(
  {
    certFile: text("The server's certificate in PEM, those of intermediate authorities behind it.", file),
    keyFile: text('Its private key in PEM, unencrypted, readable by its owner only.', file),
    minVersion: Type.Enum(['1.2', '1.3'], { default: '1.2', description: 'Oldest version of TLS that is spoken.' }),
  },
  {
    additionalProperties: false,
    description: 'TLS of the administration API. Read again on SIGHUP. Left out: plain HTTP.',
  },
);

const audit = section('Records of every change and every denial, see docs/administration.md.', {
  directory: text('Folder of the file `audit.jsonl`; made when missing. One gateway per folder.', {
    default: 'audit',
    ...file,
  }),
  topic: text('Kafka topic that the records go to as well. Empty: to the file only.', {
    default: '',
    pattern: '^[a-zA-Z0-9._-]{0,249}$',
    rule: '1 to 249 letters, digits, . _ or -, or nothing',
  }),
  denialsPerMinute: integer(
    'Denied requests of one address per minute that have a record each; of further ones, which are told 429, one record says how many there were.',
    { default: 20, minimum: 1, maximum: 10_000 },
  ),
});

/** The settings of the administration API. */
export const administration = section(
  'The administration API: devices, sessions, settings, log level. Off by default.',
  {
    enabled: Type.Boolean({
      default: false,
      description:
        'Serve it. Nobody is let without a token of `npm run admin-tokens`, of which there is none at first.',
    }),
    host: text('Address to listen on; another than one of this machine alone needs `tls` or `allowPlaintext`.', {
      default: '127.0.0.1',
      minLength: 1,
    }),
    port: integer('TCP port; 0 takes any free one.', { default: 9465, minimum: 0, maximum: 65_535 }),
    tls: Type.Optional(tls),
    allowPlaintext: Type.Boolean({
      default: false,
      description: 'Without `tls`, listen on an address that others can reach. Tokens can then be read on the way.',
    }),
    tokensPath: text('SQLite file of the tokens, which are in it as hashes only; made when missing.', {
      default: 'admin-tokens.sqlite',
      ...file,
    }),
    requestTimeoutMs: integer('Time for a request to arrive completely.', {
      default: 30_000,
      minimum: 1000,
      maximum: 600_000,
    }),
    maxImportBytes: integer('Largest body of an import of devices; other bodies have at most 16 KiB.', {
      default: 4_194_304,
      minimum: 1024,
      maximum: 268_435_456,
    }),
    maxImportDevices: integer(
      'Most devices of one import. Each costs a password hash, some 50 ms of a core: 1,000 take the better part of a minute.',
      { default: 10_000, minimum: 1, maximum: 1_000_000 },
    ),
    audit,
  },
);
