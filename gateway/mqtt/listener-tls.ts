import type { Buffer } from 'node:buffer';
import type { X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { ClientCertificate } from '../core/client-certificate.ts';

export type ClientCertificates = 'none' | 'optional' | 'required';

/** Keys of session tickets, 48 bytes each, the same in every process that has the same secret. */
export interface TicketKeys {
  /** Number of the period in which keys are the same. @param nowMs milliseconds since the epoch. */
  periodAt(nowMs: number): number;
  ofPeriod(period: number): Buffer;
}

/** What a listener shows to its peers, and judges them by. Exchanged as a whole, see `MqttServer.useTls`. */
export interface ListenerTlsMaterial {
  readonly context: SecureContextOptions;
  /** When these change, sessions of before are not resumed: they were judged by other authorities. */
  readonly clientCa: string;
  /** Shared with other processes. Without them, tickets are good for this process alone. */
  readonly ticketKeys?: TicketKeys | undefined;
  readonly isRevoked: (certificate: ClientCertificate) => boolean;
  /** May throw: nobody is let in with a certificate that can't be read. */
  readonly readPeer: (peer: X509Certificate) => ClientCertificate;
}

/** TLS of a listener, 1.2 or later. */
export interface ListenerTls {
  readonly clientCertificates: ClientCertificates;
  /** Whether a certificate stands for the password; see `Credentials`. */
  readonly certificateSuffices: boolean;
  readonly handshakeTimeoutMs: number;
  /** Handshakes under way at once, as they cost most before anything is known of the peer; further sockets are closed. */
  readonly maxHandshakes: number;
  readonly material: ListenerTlsMaterial;
  readonly observer: HandshakeObserver;
}

/** Why a handshake did not lead to a connection. */
export const handshakeFailures = [
  /** Not finished in time. */
  'timeout',
  /** Too many others under way: closed at accept, where nothing lets them wait (`handshake-gate.ts`). */
  'too_many',
  /** TLS 1.1 or earlier. */
  'version',
  /** No cipher, curve or signature in common. */
  'no_common_cipher',
  /** The peer offers protocols (ALPN), and MQTT is not among them. */
  'protocol',
  'certificate_missing',
  'certificate_expired',
  'certificate_revoked',
  /** Signed by nobody who is known, for another purpose, or broken. */
  'certificate_invalid',
  /** What came was not TLS. */
  'not_tls',
  /** The peer said no: it does not trust the gateway's certificate, for example. */
  'refused_by_peer',
  /** The peer went away. */
  'aborted',
  'other',
] as const;
export type HandshakeFailure = (typeof handshakeFailures)[number];

/** Told of every handshake. Must not block or throw. */
export interface HandshakeObserver {
  /** @param version as OpenSSL says it: `TLSv1.3`. */
  handshakeDone(listener: string, version: string, resumed: boolean, durationMs: number): void;
  /** @param code that of OpenSSL or the system, for the log. */
  handshakeFailed(listener: string, failure: HandshakeFailure, code: string, remoteAddress: string | undefined): void;
}
