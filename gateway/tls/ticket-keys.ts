import { Buffer } from 'node:buffer';
import { createHash, hkdfSync } from 'node:crypto';
import { isOpenToOthers, parseCertificates, readText } from './read-files.ts';
import { TlsError } from './tls-error.ts';

/** What a listener says of its session tickets, and what these depend on. */
export interface TicketSettings {
  /** Its name. */
  readonly listener: string;
  readonly clientCertificates: 'none' | 'optional' | 'required';
  /** Left out: tickets are good for this process alone. */
  readonly ticketSecretFile?: string | undefined;
  readonly ticketRotationHours: number;
  readonly ticketLifetimeSeconds: number;
}

/** For what a secret is used. Processes that agree in all of it take each other's tickets. */
export interface TicketScope {
  readonly listener: string;
  readonly clientCertificates: string;
  /** Names the authorities that judge client certificates. */
  readonly authorities: string;
  readonly rotationHours: number;
}

/** Ticket keys of every period, derived from one secret. */
export interface DerivedTicketKeys {
  periodAt(nowMs: number): number;
  /** 48 bytes: name, HMAC key and AES key, 16 each, as Node takes them. */
  ofPeriod(period: number): Buffer;
  /** Tells operators whether two processes have the same keys, and nobody anything about them. */
  readonly id: string;
}

export interface Tickets {
  readonly keys: DerivedTicketKeys | undefined;
  /** For OpenSSL. */
  readonly context: { readonly sessionIdContext: string; readonly sessionTimeout: number };
  readonly warnings: readonly string[];
}

const hourMs = 3_600_000;
const keyBytes = 48;
const idBytes = 4;
const leastSecretBytes = 32;
/** Bytes that OpenSSL takes as the context of a session. */
const longestSessionContext = 32;

/**
 * The tickets of a listener.
 *
 * @param clientCa the authorities in PEM, readable; empty where there are none.
 * @throws {TlsError} when the secret can't be used.
 */
export function ticketsOf(settings: TicketSettings, clientCa: string): Tickets {
  const { listener, clientCertificates, ticketSecretFile, ticketRotationHours, ticketLifetimeSeconds } = settings;
  const authorities = authoritiesId(clientCa);
  const scope: TicketScope = { listener, clientCertificates, authorities, rotationHours: ticketRotationHours };
  // Compared by OpenSSL for tickets, too. Node would take the command line, in which pods may differ.
  const sessionIdContext = digestOf(['edge', listener, clientCertificates, authorities]).slice(
    0,
    longestSessionContext,
  );
  return {
    keys: ticketSecretFile === undefined ? undefined : deriveTicketKeys(readTicketSecret(ticketSecretFile), scope),
    context: { sessionIdContext, sessionTimeout: ticketLifetimeSeconds },
    warnings: ticketSecretFile !== undefined && isOpenToOthers(ticketSecretFile) ? [openSecret(ticketSecretFile)] : [],
  };
}

/**
 * Reads a secret: random bytes in base64, at least 32 of them, on one line.
 *
 * @throws {TlsError}
 */
export function readTicketSecret(path: string): Buffer {
  const text = readText(path, 'ticket secret').trim();
  const secret = /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  if (secret.length >= leastSecretBytes) return secret;
  const message = `ticket secret ${path} can't be used: at least ${leastSecretBytes} random bytes in base64 are needed, as "npm run certs -- ticket-secret" makes them`;
  throw new TlsError('tls_file_invalid', message);
}

/**
 * Derives ticket keys by HKDF (RFC 5869): processes with the same secret and clock have the same keys at any time, and
 * nothing else has to be handed around. The scope goes in, so that a ticket of a listener that asks for less can't be used
 * at one that asks for more, and none outlives its authorities.
 */
export function deriveTicketKeys(secret: Buffer, scope: TicketScope): DerivedTicketKeys {
  const { listener, clientCertificates, authorities, rotationHours } = scope;
  const derive = (purpose: readonly (string | number)[], bytes: number): Buffer => {
    const info = JSON.stringify(['edge TLS tickets', listener, clientCertificates, authorities, ...purpose]);
    return Buffer.from(hkdfSync('sha256', secret, '', info, bytes));
  };
  return {
    periodAt: (nowMs) => Math.floor(nowMs / (rotationHours * hourMs)),
    ofPeriod: (period) => derive(['period', rotationHours, period], keyBytes),
    id: derive(['id'], idBytes).toString('hex'),
  };
}

/** Of the certificates, not of the file: another order or comment changes nothing. */
function authoritiesId(clientCa: string): string {
  if (clientCa === '') return '';
  const certificates = parseCertificates(clientCa, '', 'client authorities');
  return digestOf(certificates.map(({ fingerprint256 }) => fingerprint256).toSorted());
}

const digestOf = (parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

const openSecret = (path: string): string =>
  `ticket secret ${path} can be read or changed by others than its owner: chmod 600, or a volume of its own`;
