import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alterUserScramCredentialsV0, Connection } from '@platformatic/kafka';
import { type LocalKafka, startKafka } from '../../deploy/local/kafka.ts';
import type { ServerSettings } from '../../deploy/local/kafka-settings.ts';
import { type Certified, TestAuthority } from './test-authority.ts';

/** User names and first passwords of the SASL listeners. */
export const users = {
  scram: { name: 'edge-gateway', password: `first-${randomBytes(12).toString('hex')}` },
  plain: { name: 'plain-gateway', password: `plain-${randomBytes(12).toString('hex')}` },
} as const;

/** A real broker with one listener for each way to let clients in, and one for each certificate that is wrong. */
export interface SecuredKafka {
  readonly kafka: LocalKafka;
  readonly authority: TestAuthority;
  /** PEM of the authority that the listeners' certificates come from. */
  readonly caFile: string;
  /** PEM files of the client certificate `CN=edge-mutual`. */
  readonly client: { readonly certFile: string; readonly keyFile: string };
  /** `host:port` of the plaintext listener, whose clients may do everything. */
  readonly plaintext: string;
  address(listener: Listener): string;
}

/** The name in the certificate of the listener `ELSEWHERE`. */
export const otherName = 'broker.elsewhere.example';

/** Clients log in by SCRAM, PLAIN or OAUTHBEARER, at `ELSEWHERE` by SCRAM-SHA-512 only; at `MUTUAL` by certificate. */
export const listeners = ['LOGIN', 'EXPIRED', 'ELSEWHERE', 'MUTUAL'] as const;
export type Listener = (typeof listeners)[number];

/** Starts it, with its files below `folder`. Nobody but clients of the plaintext listener may do anything. */
export async function startSecuredKafka(folder: string): Promise<SecuredKafka> {
  const authority = await TestAuthority.create('test authority');
  await mkdir(folder, { recursive: true });
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const here = [{ type: 'ip', value: '127.0.0.1' }] as const;
  const server = { commonName: 'broker', usage: 'server' } as const;
  const sound = await authority.issue({ ...server, names: here });
  const certificates: Record<Listener, Certified> = {
    LOGIN: sound,
    MUTUAL: sound,
    EXPIRED: await authority.issue({ ...server, names: here, expired: true }),
    ELSEWHERE: await authority.issue({ ...server, names: [{ type: 'dns', value: otherName }] }),
  };
  const caFile = await write('ca.pem', authority.certificate);
  const keystores: ServerSettings[] = [];
  for (const name of listeners) {
    const { key, chain } = certificates[name];
    keystores.push(keystore(name, await write(`${name.toLowerCase()}.pem`, `${key}${chain}`), caFile));
  }
  const mutual = await authority.issue({ commonName: 'edge-mutual', usage: 'client' });
  const { name, password } = users.scram;
  const kafka = await startKafka({
    brokers: 1,
    listeners: listeners.map((listener) => ({ name: listener, protocol: listener === 'MUTUAL' ? 'SSL' : 'SASL_SSL' })),
    scramUsers: (['SCRAM-SHA-512', 'SCRAM-SHA-256'] as const).map((mechanism) => ({ name, password, mechanism })),
    settings: Object.assign(
      {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
        'listener.name.mutual.ssl.client.auth': 'required',
      },
      ...keystores,
      ...listeners.filter((listener) => listener !== 'MUTUAL').map(logins),
    ) as ServerSettings,
  });
  return {
    kafka,
    authority,
    caFile,
    client: { certFile: await write('client.pem', mutual.chain), keyFile: await write('client-key.pem', mutual.key) },
    plaintext: kafka.bootstrap[0] as string,
    address: (listener) => kafka.listenerBootstrap.get(listener)?.[0] as string,
  };
}

const prefixOf = (listener: Listener): string => `listener.name.${listener.toLowerCase()}.`;

const keystore = (listener: Listener, path: string, caFile: string): ServerSettings => ({
  [`${prefixOf(listener)}ssl.keystore.type`]: 'PEM',
  [`${prefixOf(listener)}ssl.keystore.location`]: path,
  [`${prefixOf(listener)}ssl.truststore.type`]: 'PEM',
  [`${prefixOf(listener)}ssl.truststore.location`]: caFile,
});

/** Unsecured tokens are what Kafka takes for development when no key set is configured. */
function logins(listener: Listener): ServerSettings {
  const { name, password } = users.plain;
  const prefix = prefixOf(listener);
  const mechanisms = listener === 'ELSEWHERE' ? 'SCRAM-SHA-512' : 'SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER';
  const security = 'org.apache.kafka.common.security';
  return {
    [`${prefix}sasl.enabled.mechanisms`]: mechanisms,
    [`${prefix}scram-sha-512.sasl.jaas.config`]: `${security}.scram.ScramLoginModule required;`,
    [`${prefix}scram-sha-256.sasl.jaas.config`]: `${security}.scram.ScramLoginModule required;`,
    [`${prefix}plain.sasl.jaas.config`]: `${security}.plain.PlainLoginModule required user_${name}="${password}";`,
    [`${prefix}oauthbearer.sasl.jaas.config`]: `${security}.oauthbearer.OAuthBearerLoginModule required;`,
  };
}

const iterations = 4096;
/** As the protocol numbers it. */
const scramSha512 = 2;

/** Gives a user another password (SCRAM-SHA-512), as an administrator would. */
export async function changePassword({ plaintext }: SecuredKafka, name: string, password: string): Promise<void> {
  const salt = randomBytes(16);
  const saltedPassword = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
  const [host = '', port] = plaintext.split(':');
  const connection = new Connection('test-passwords');
  connection.on('error', () => undefined);
  await connection.connect(host, Number(port));
  try {
    await alterUserScramCredentialsV0.api.async(
      connection,
      [],
      [{ name, mechanism: scramSha512, iterations, salt, saltedPassword }],
    );
  } finally {
    await connection.close();
  }
}

/** A token as a broker takes it that verifies no signatures (RFC 7519, section 6). */
export function unsecuredToken(subject: string, lifetimeSeconds: number): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  return `${encode({ alg: 'none' })}.${encode({ sub: subject, iat: now, exp: now + lifetimeSeconds })}.`;
}
