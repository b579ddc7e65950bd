import { AuthenticationError, NetworkError, ResponseError, UserError } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import {
  accessCodes,
  accessFailureOf,
  accessFailureOfCode,
  describeRefusal,
  KafkaAccessError,
} from '../../../../gateway/kafka/security/access-failure.ts';

const saslAuthenticate = 36;
/** As the library wraps what fails while it connects. */
const connecting = (cause: Error): Error => new NetworkError('Connection to h:1 failed.', { cause });
const coded = (code: string): Error => Object.assign(new Error('of OpenSSL'), { code });
const answered = (errorCode: number): Error =>
  connecting(
    new AuthenticationError('SASL authentication failed.', {
      cause: new ResponseError(saslAuthenticate, 2, { '/': [errorCode, 'said the broker'] }, {}),
    }),
  );

describe('a failure towards Kafka', () => {
  it.each([
    ['login_failed', answered(58)],
    ['login_mechanism_refused', answered(33)],
    ['login_not_expected', answered(34)],
    ['topic_not_authorized', answered(29)],
    ['cluster_not_authorized', answered(31)],
    ['transactional_id_not_authorized', answered(53)],
    ['tls_expired', connecting(coded('CERT_HAS_EXPIRED'))],
    ['tls_expired', connecting(coded('CERT_NOT_YET_VALID'))],
    ['tls_untrusted', connecting(coded('SELF_SIGNED_CERT_IN_CHAIN'))],
    ['tls_untrusted', connecting(coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'))],
    ['tls_wrong_host', connecting(coded('ERR_TLS_CERT_ALTNAME_INVALID'))],
    ['tls_not_spoken', connecting(coded('ERR_SSL_WRONG_VERSION_NUMBER'))],
    ['tls_not_spoken', connecting(new UserError('TLS handshake failed. Please verify the broker supports TLS.'))],
    ['tls_required', new UserError('Broker requires TLS.')],
    ['tls_client_refused', coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')],
    ['tls_client_refused', coded('ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE')],
    ['tls_client_refused', coded('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA')],
    ['tls_failed', coded('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')],
    ['aws_credentials_missing', connecting(new KafkaAccessError('aws_credentials_missing', 'no credentials'))],
    ['token_unavailable', connecting(new KafkaAccessError('token_unavailable', 'no token'))],
  ])('is %s', (code, error) => {
    expect(accessFailureOf(error)?.code).toBe(code);
    expect(describeRefusal(error)).toContain(`${code}: ${accessFailureOf(error)?.remedy}`);
  });

  it.each([
    [connecting(coded('ECONNREFUSED'))],
    [new NetworkError('Connection closed')],
    [new ResponseError(saslAuthenticate, 2, { '/': [6, null] }, {})],
    ['text'],
    [undefined],
  ])('is nothing about access: %s', (error) => {
    expect(accessFailureOf(error)).toBeUndefined();
  });

  it('is found although causes go in circles', () => {
    const one = new Error('one');
    const other = new Error('other', { cause: one });
    one.cause = other;
    expect(accessFailureOf(other)).toBeUndefined();
  });

  it('says what to do, whatever it is', () => {
    for (const code of accessCodes) expect(accessFailureOfCode(code).remedy.length).toBeGreaterThan(30);
  });
});
