import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type ConnectionOptions, type SASLOptions, saslOAuthBearer } from '@platformatic/kafka';
import { accessFailureOf, KafkaAccessError } from './access-failure.ts';
import { BearerTokens } from './bearer-tokens.ts';
import { readCredentials, secretOf, unusable } from './secrets.ts';
import type { OauthSettings, SaslSettings, SecuritySettings, TlsSettings } from './settings.ts';

/** Of the time for connecting, the share for getting a token: what is wrong about it is said before that time is over. */
const tokenShare = 0.8;

/** The part of the Kafka library's options that is about security. */
export type SecureOptions = Pick<ConnectionOptions, 'tls' | 'tlsServerName' | 'sasl'>;

/**
 * Options of a connection to `hosts`. TLS 1.2 or 1.3 (RFC 9325, section 3.1.1); the broker's certificate is always
 * verified, with its names (RFC 9525). Files are read now, secrets when the broker asks for them.
 *
 * @param hosts more than one for a client that connects to all of them with the same options.
 * @param deadlineMs time for connecting, getting a token included.
 * @throws {KafkaAccessError} `credentials_unreadable`, `login_in_the_clear`
 */
export function secureOptions(
  { tls, sasl }: SecuritySettings,
  hosts: readonly string[],
  deadlineMs: number,
): SecureOptions {
  refuseSecretsInTheClear({ tls, sasl }, hosts);
  return {
    ...(tls?.enabled === true ? tlsOptions(tls, hosts) : {}),
    ...(sasl === undefined || sasl.mechanism === 'none' ? {} : { sasl: saslOptions(sasl, deadlineMs) }),
  };
}

/** Also for brokers that the settings do not name: the bootstrap broker does, and so does a command's `--kafka`. */
function refuseSecretsInTheClear({ tls, sasl }: SecuritySettings, hosts: readonly string[]): void {
  if (tls?.enabled === true || (sasl?.mechanism !== 'PLAIN' && sasl?.mechanism !== 'OAUTHBEARER')) return;
  const remote = hosts.find((host) => !isLoopback(host));
  if (remote === undefined) return;
  throw new KafkaAccessError(
    'login_in_the_clear',
    `kafka.sasl.mechanism ${sasl.mechanism} without TLS towards ${remote}`,
  );
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);

function tlsOptions(tls: TlsSettings, hosts: readonly string[]): SecureOptions {
  // The server's name is sent along (SNI), which must not be an address (RFC 6066, section 3).
  const named = hosts.every((host) => isIP(host) === 0);
  return {
    tls: { secureContext: secureContext(tls), rejectUnauthorized: true },
    ...(tls.serverName !== '' ? { tlsServerName: tls.serverName } : named ? { tlsServerName: true } : {}),
  };
}

function secureContext({ caFile, certFile, keyFile }: TlsSettings): SecureContext {
  const material = {
    ...(caFile === '' ? {} : { ca: readCredentials('kafka.tls.caFile', caFile) }),
    ...(certFile === '' ? {} : { cert: readCredentials('kafka.tls.certFile', certFile) }),
    ...(keyFile === '' ? {} : { key: readCredentials('kafka.tls.keyFile', keyFile) }),
  };
  try {
    return createSecureContext({ minVersion: 'TLSv1.2', ...material });
  } catch (error) {
    // OpenSSL's words: no start line, key values mismatch. They quote nothing.
    throw unusable('kafka.tls', error instanceof Error ? error.message : String(error));
  }
}

function saslOptions(sasl: SaslSettings, deadlineMs: number): SASLOptions {
  const { mechanism, userName, password, passwordFile, oauth } = sasl;
  if (mechanism === 'none') throw new RangeError('no login is wanted');
  if (mechanism === 'OAUTHBEARER') return bearerOptions(oauth, deadlineMs);
  return { mechanism, username: userName, password: () => secretOf('kafka.sasl.password', password, passwordFile) };
}

/** By the settings that they are of: those of a process are made once, and tokens outlive connections. */
const tokensOf = new WeakMap<OauthSettings, BearerTokens>();

function bearerOptions(oauth: OauthSettings, deadlineMs: number): SASLOptions {
  let tokens = tokensOf.get(oauth);
  if (tokens === undefined) {
    tokens = new BearerTokens(oauth);
    tokensOf.set(oauth, tokens);
  }
  const known = tokens;
  return {
    mechanism: 'OAUTHBEARER',
    token: () => known.current(deadlineMs * tokenShare),
    authenticate: (_mechanism, connection, api, _userName, _password, token = '', callback) => {
      saslOAuthBearer.authenticate(api, connection, token, {}, (error, answer) => {
        // Not every broker says so by the answer that `authBytesValidator` sees.
        if (accessFailureOf(error)?.code === 'login_failed') known.refused();
        callback(error, answer);
      });
    },
    authBytesValidator: (answer, callback) => callback(known.verdictOn(answer), answer),
  };
}
