import { Type } from 'typebox';
import { section, text } from './schema-parts.ts';

const path = (description: string) => text(description, { default: '', holds: 'path' });
const secret = (description: string) => text(description, { default: '', holds: 'secret' });

export const tls = section(
  'TLS towards the brokers, 1.2 or 1.3. Their certificates and names are always verified. Files are PEM, read anew for each connection.',
  {
    enabled: Type.Boolean({ default: false, description: 'Speak TLS with the brokers.' }),
    caFile: path("Authorities that the brokers' certificates may come from; empty: those that Node knows."),
    certFile: path("The gateway's own certificate with its chain, for mutual TLS."),
    keyFile: path('Its private key, not encrypted, readable for the gateway alone.'),
    serverName: text("Name that the brokers' certificates must hold; empty: the host that is connected to.", {
      default: '',
      pattern: '^[A-Za-z0-9._-]*$',
      rule: 'a host name, or nothing',
    }),
  },
);

const awsMsk = section(
  'IAM of Amazon MSK: tokens that the gateway signs, with credentials of the default chain of AWS. Needs `tls`.',
  {
    region: text('Region of the cluster; empty: no IAM.', {
      default: '',
      pattern: '^([a-z]{2}(-[a-z]+)+-[0-9]+)?$',
      rule: 'a region of AWS, such as eu-central-1, or nothing',
    }),
    roleArn: text('Role to take on for it (STS), with the credentials of the default chain.', {
      default: '',
      pattern: '^(arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+)?$',
      rule: 'the ARN of a role, or nothing',
    }),
    profile: text("Profile of AWS's files of settings and credentials, instead of the default chain.", { default: '' }),
  },
);

const oauth = section('Tokens, with `mechanism: OAUTHBEARER`, from one place: a file, an endpoint, or AWS.', {
  tokenFile: path('File with a token that somebody else renews; read anew for each login.'),
  tokenEndpoint: text('Address that gives tokens; https, or http on this machine.', {
    default: '',
    pattern: '^(https://[^\\s@]+|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:[0-9]+)?(/[^\\s@]*)?)?$',
    rule: 'an https address without user name (http only on this machine), or nothing',
    holds: 'url',
  }),
  clientId: text('Who asks there.', { default: '' }),
  clientSecret: secret('Its secret; better given by its environment variable, or as a file.'),
  clientSecretFile: path('File with the secret; read anew for each token.'),
  scope: text('Scope to ask for; empty: what the endpoint gives by default.', { default: '' }),
  awsMsk,
});

export const sasl = section('Login at the brokers.', {
  mechanism: Type.Enum(['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'], {
    default: 'none',
    description: '`PLAIN` and `OAUTHBEARER` show the secret to whoever listens, so they need `tls`.',
  }),
  userName: text('User name, with `PLAIN` and `SCRAM-…`.', { default: '' }),
  password: secret('Password; better given by its environment variable, or as a file.'),
  passwordFile: path('File with the password; read anew for each login.'),
  oauth,
});
