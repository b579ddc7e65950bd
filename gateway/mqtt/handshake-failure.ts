import type { HandshakeFailure } from './listener-tls.ts';

const byCode: Readonly<Record<string, HandshakeFailure>> = {
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'version',
  ERR_SSL_VERSION_TOO_LOW: 'version',
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: 'version',
  ERR_SSL_NO_SHARED_CIPHER: 'no_common_cipher',
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'no_common_cipher',
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS: 'no_common_cipher',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'no_common_cipher',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'protocol',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'certificate_missing',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not_tls',
  ERR_SSL_HTTP_REQUEST: 'not_tls',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'not_tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not_tls',
  ERR_SSL_RECORD_LAYER_FAILURE: 'not_tls',
  ECONNRESET: 'aborted',
  EPIPE: 'aborted',
  ERR_STREAM_PREMATURE_CLOSE: 'aborted',
};

/** Verdicts of OpenSSL over a certificate, by the names that Node gives them. */
const byVerdict: Readonly<Record<string, HandshakeFailure>> = {
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_expired',
  CERT_REVOKED: 'certificate_revoked',
};

/** Total: what is not known is `other`. */
export function failureOf(code: string): HandshakeFailure {
  const known = byCode[code];
  if (known !== undefined) return known;
  // Alerts that the peer has sent: ERR_SSL_TLSV1_ALERT_UNKNOWN_CA, ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE.
  return /^ERR_SSL_.*ALERT_/.test(code) ? 'refused_by_peer' : 'other';
}

export const failureOfVerdict = (verdict: string): HandshakeFailure => byVerdict[verdict] ?? 'certificate_invalid';
