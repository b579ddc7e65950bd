import { CodedError } from '../../core/coded-error.ts';
import { describeFailure } from '../error-classes.ts';

/** What stands between the gateway and brokers that are there: a connection, a login, a permission. */
export type AccessKind = 'tls' | 'login' | 'permission';

interface Entry {
  readonly kind: AccessKind;
  readonly remedy: string;
}

/** Every way in which Kafka may not let a client in, and what to do about it. */
const entries = {
  credentials_unreadable: {
    kind: 'login',
    remedy: 'a file of kafka.tls or kafka.sasl cannot be used; it is read anew at the next attempt',
  },
  token_unavailable: {
    kind: 'login',
    remedy: 'no token could be had; check kafka.sasl.oauth and the server behind tokenEndpoint, or AWS behind awsMsk',
  },
  aws_credentials_missing: {
    kind: 'login',
    remedy:
      'no credentials of AWS were found: give the gateway a role (of its service account, container or instance), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile in kafka.sasl.oauth.awsMsk.profile',
  },
  login_in_the_clear: {
    kind: 'login',
    remedy: 'PLAIN and OAUTHBEARER would show their secret to everybody on the way: set kafka.tls.enabled',
  },
  tls_required: {
    kind: 'tls',
    remedy: 'the broker speaks TLS there: set kafka.tls.enabled, or use the port of a listener without TLS',
  },
  tls_not_spoken: {
    kind: 'tls',
    remedy:
      'no TLS is spoken there, or the connection broke off in the handshake: use the port of a TLS listener, or switch kafka.tls.enabled off',
  },
  tls_expired: {
    kind: 'tls',
    remedy:
      "the broker's certificate is not valid at this time: renew it at the broker, and check this machine's clock",
  },
  tls_untrusted: {
    kind: 'tls',
    remedy:
      "the broker's certificate comes from no trusted authority: put the one that issued it into kafka.tls.caFile",
  },
  tls_wrong_host: {
    kind: 'tls',
    remedy:
      "the broker's certificate is for other names: connect by one that it holds (kafka.bootstrapBrokers and the brokers' advertised.listeners), or name it in kafka.tls.serverName",
  },
  tls_client_refused: {
    kind: 'tls',
    remedy:
      "the broker wants a client certificate that it trusts: check kafka.tls.certFile and keyFile, and the broker's truststore",
  },
  tls_failed: {
    kind: 'tls',
    remedy: "the TLS handshake failed: compare the broker's protocols and ciphers with TLS 1.2 and 1.3",
  },
  login_failed: {
    kind: 'login',
    remedy:
      "the broker refused the login: check kafka.sasl.userName and the password, or the token; with awsMsk the region, the permission kafka-cluster:Connect and this machine's clock",
  },
  login_mechanism_refused: {
    kind: 'login',
    remedy: "the broker does not offer this kafka.sasl.mechanism: choose one of the listener's sasl.enabled.mechanisms",
  },
  login_not_expected: {
    kind: 'login',
    remedy: 'the listener takes no login: use the port of a SASL listener, or set kafka.sasl.mechanism to none',
  },
  topic_not_authorized: {
    kind: 'permission',
    remedy: 'the principal lacks a permission on the topic: npm run topics -- acls shows which',
  },
  cluster_not_authorized: {
    kind: 'permission',
    remedy:
      'the principal lacks a permission on the cluster (brokers before 2.8: IdempotentWrite): npm run topics -- acls shows which',
  },
  transactional_id_not_authorized: {
    kind: 'permission',
    remedy: 'the principal lacks a permission on the transactional id: npm run topics -- acls shows what it needs',
  },
} as const satisfies Record<string, Entry>;

export type AccessCode = keyof typeof entries;
export const accessCodes = Object.keys(entries) as readonly AccessCode[];

export interface AccessFailure extends Entry {
  readonly code: AccessCode;
}

/** Found by this gateway itself, not told by a broker. The message names settings and files, never what is in them. */
export class KafkaAccessError extends CodedError<AccessCode> {
  override readonly name = 'KafkaAccessError';
}

const byProtocolError: Readonly<Record<string, AccessCode>> = {
  SASL_AUTHENTICATION_FAILED: 'login_failed',
  UNSUPPORTED_SASL_MECHANISM: 'login_mechanism_refused',
  ILLEGAL_SASL_STATE: 'login_not_expected',
  TOPIC_AUTHORIZATION_FAILED: 'topic_not_authorized',
  CLUSTER_AUTHORIZATION_FAILED: 'cluster_not_authorized',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'transactional_id_not_authorized',
};

/** Codes of OpenSSL's verification (`X509_V_ERR_…`) and of Node's look at the names. */
const byTlsError: Readonly<Record<string, AccessCode>> = {
  CERT_HAS_EXPIRED: 'tls_expired',
  CERT_NOT_YET_VALID: 'tls_expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls_wrong_host',
  HOSTNAME_MISMATCH: 'tls_wrong_host',
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls_not_spoken',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'tls_not_spoken',
  UNABLE_TO_GET_ISSUER_CERT: 'tls_untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_untrusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_untrusted',
  CERT_SIGNATURE_FAILURE: 'tls_untrusted',
  CERT_CHAIN_TOO_LONG: 'tls_untrusted',
  CERT_UNTRUSTED: 'tls_untrusted',
  CERT_REVOKED: 'tls_untrusted',
  CERT_REJECTED: 'tls_untrusted',
  INVALID_CA: 'tls_untrusted',
  INVALID_PURPOSE: 'tls_untrusted',
};

/** Alerts (RFC 8446, section 6.2) by which a broker says that it does not take the client's certificate, or wants one. */
const clientRefused =
  /^ERR_SSL_.*ALERT_(BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|NO_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)$/;

/** The Kafka library's own words, as it gives these two no code of their own. */
const byLibraryText: Readonly<Record<string, AccessCode>> = {
  'Broker requires TLS.': 'tls_required',
  'TLS handshake failed. Please verify the broker supports TLS.': 'tls_not_spoken',
};

/** The failure of a Kafka error by its name; undefined when it is about something else. */
export function accessFailureNamed(protocolError: string): AccessFailure | undefined {
  const code = byProtocolError[protocolError];
  return code === undefined ? undefined : accessFailureOfCode(code);
}

export const accessFailureOfCode = (code: AccessCode): AccessFailure => ({ code, ...entries[code] });

/** Why Kafka does not let this client in, found anywhere in an error and its causes; undefined: it failed otherwise. */
export function accessFailureOf(error: unknown): AccessFailure | undefined {
  for (const part of partsOf(error)) {
    const code = part instanceof KafkaAccessError ? part.code : codeOf(part);
    if (code !== undefined) return accessFailureOfCode(code);
  }
  return undefined;
}

function codeOf(error: Error): AccessCode | undefined {
  const { apiId, code } = error as { readonly apiId?: unknown; readonly code?: unknown };
  if (typeof apiId === 'string') return byProtocolError[apiId];
  if (typeof code !== 'string') return undefined;
  if (clientRefused.test(code)) return 'tls_client_refused';
  return byTlsError[code] ?? byLibraryText[error.message] ?? (code.startsWith('ERR_SSL_') ? 'tls_failed' : undefined);
}

/** Causes may go in circles; nobody nests that deep. */
const mostParts = 50;

/** An error, what it was caused by, and what it gathers; the outermost first. */
function partsOf(error: unknown): Error[] {
  const parts: Error[] = [];
  const open: unknown[] = [error];
  while (open.length > 0 && parts.length < mostParts) {
    const next = open.shift();
    if (!(next instanceof Error)) continue;
    parts.push(next);
    open.push(next.cause, ...(next instanceof AggregateError ? next.errors : []));
  }
  return parts;
}

/** Text of a failure, with its code and what to do when it is about access. */
export function describeRefusal(error: unknown): string {
  const failure = accessFailureOf(error);
  const text = describeFailure(error);
  return failure === undefined ? text : `${failure.code}: ${failure.remedy} (${text})`;
}
