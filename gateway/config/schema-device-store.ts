import { Type } from 'typebox';
import { integer, section, text } from './schema-parts.ts';

const path = (description: string) => text(description, { default: '', holds: 'path' });

const tls = section(
  "TLS towards PostgreSQL, 1.2 or 1.3. The server's certificate and its name are always verified. Files are PEM, read anew for each connection.",
  {
    enabled: Type.Boolean({ default: false, description: 'Speak TLS with the server.' }),
    caFile: path("Authorities that the server's certificate may come from; empty: those that Node knows."),
    certFile: path("The gateway's own certificate with its chain, for a server that asks for one."),
    keyFile: path('Its private key, not encrypted, readable for the gateway alone.'),
  },
);

/** The settings of the device registry in PostgreSQL. */
export const postgres = section('The device registry in PostgreSQL, with `identity.store: postgres`.', {
  url: text('Server, user and database. Without parameters: they are settings of their own.', {
    default: '',
    pattern: '^(postgres(ql)?://[^\\s?#]+)?$',
    rule: 'postgresql://user@host:port/database, or nothing',
    holds: 'url',
  }),
  password: text('Password; better given by its environment variable, or as a file.', { default: '', holds: 'secret' }),
  passwordFile: path('File with the password; read anew for each connection.'),
  tls,
  allowPlaintext: Type.Boolean({
    default: false,
    description:
      'Without `tls`, use a server on another machine. Whoever is on the way can then read hashes of secrets, and change who may connect.',
  }),
  maxConnections: integer(
    'Connections for reading and changing devices; each gateway has one more, on which it listens.',
    {
      default: 4,
      minimum: 1,
      maximum: 100,
    },
  ),
  maxWaiting: integer(
    'Connecting devices whose rows may wait to be read; further ones are told that the server is busy.',
    {
      default: 2000,
      minimum: 1,
      maximum: 1_000_000,
    },
  ),
  timeoutMs: integer('Time for making a connection, and for the answer to a statement.', {
    default: 2000,
    minimum: 100,
    maximum: 60_000,
  }),
});
