import { constants, type X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { CertificateNames, ClientCertificate } from '../core/client-certificate.ts';
import { Authorities } from './authorities.ts';
import { type CurrentList, currentLists, type ListStates, refuseOlder, statesOf } from './current-lists.ts';
import { readPeerCertificate } from './peer-certificate.ts';
import { isOpenToOthers, mostListBytes, parseCertificates, parseKey, readText } from './read-files.ts';
import { type DerivedTicketKeys, type TicketSettings, ticketsOf } from './ticket-keys.ts';
import { TlsError } from './tls-error.ts';

/** The files of one listener, and what is done with them. */
export interface TlsFiles extends TicketSettings {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile?: string | undefined;
  readonly crlFiles: readonly string[];
  /** Where further lists are fetched from. */
  readonly crlUrls?: readonly string[];
  /** Lists that were fetched, in PEM, with their addresses. */
  readonly crlTexts?: readonly { readonly name: string; readonly pem: string }[];
  readonly minVersion: '1.2' | '1.3';
}

/** What the files of a listener come to, checked. */
export interface TlsMaterial {
  readonly context: SecureContextOptions;
  /** The authorities' certificates as they were read: when they change, no session of before may be resumed. */
  readonly clientCa: string;
  readonly ticketKeys: DerivedTicketKeys | undefined;
  /** Whether a list names the certificate, or everybody who may have signed it. */
  readonly isRevoked: (certificate: ClientCertificate) => boolean;
  /** @throws {DerError | TlsError} */
  readonly readPeer: (peer: X509Certificate) => ClientCertificate;
  readonly facts: TlsFacts;
  readonly listStates: ListStates;
  /** What is not as it should be, and works nevertheless. */
  readonly warnings: readonly string[];
}

export interface TlsFacts {
  /** Milliseconds since the epoch. */
  readonly certificateEndsAtMs: number;
  /** When the first of the revocation lists is out of date; undefined without one that says so. */
  readonly crlEndsAtMs: number | undefined;
  readonly revokedCertificates: number;
  readonly fingerprint: string;
  /** The same where the keys of tickets are; undefined: they are this process's own. */
  readonly ticketKeysId: string | undefined;
}

/**
 * TLS 1.3 in full, and of TLS 1.2 what has forward secrecy and authenticates what it encrypts (RFC 9325, section 4.2).
 */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** Neither compression (CRIME) nor renegotiation, which lets one client cost many handshakes (RFC 9325, section 3). */
const secureOptions = constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_NO_RENEGOTIATION;

/**
 * How far a revocation list may be from the future when there is none before it that could apply until then: a start that
 * fails would help nobody.
 */
const startLeewayMs = 5 * 60_000;

/**
 * Reads and checks the files of a listener.
 *
 * @param nowMs milliseconds since the epoch.
 * @param deviceIdOf which device a certificate belongs to.
 * @param before what has applied so far: none of its revocation lists may be followed by an older one.
 * @throws {TlsError} when the listener could not serve with them.
 */
export function readTlsMaterial(
  files: TlsFiles,
  nowMs: number,
  deviceIdOf: (names: CertificateNames) => string | undefined,
  before?: Pick<TlsMaterial, 'listStates'>,
): TlsMaterial {
  const { cert, key, leaf } = readServerCertificate(files, nowMs);
  const clientCa = readClientCa(files);
  const tickets = ticketsOf(files, clientCa);
  const authorities = authoritiesOf(clientCa, files);
  const leewayMs = before === undefined ? startLeewayMs : 0;
  const texts = files.crlFiles.map((path) => ({ name: path, pem: readText(path, 'revocation list', mostListBytes) }));
  const lists = [...texts, ...(files.crlTexts ?? [])].flatMap(({ name, pem }) =>
    currentLists(pem, name, authorities, nowMs, leewayMs),
  );
  const listStates = statesOf(lists);
  if (before !== undefined) refuseOlder(listStates, before.listStates);
  const revoked = new Set(lists.flatMap((list) => list.revoked));
  const context: SecureContextOptions = {
    cert,
    key,
    ciphers,
    secureOptions,
    honorCipherOrder: true,
    minVersion: `TLSv${files.minVersion}`,
    maxVersion: 'TLSv1.3',
    // Never the authorities that this system trusts: anybody can have a certificate of theirs.
    ca: clientCa === '' ? [] : [clientCa],
    ...(lists.length === 0 ? {} : { crl: lists.map(({ pem }) => pem) }),
    ...tickets.context,
  };
  refuseUnusable(context, files);
  return {
    context,
    clientCa,
    ticketKeys: tickets.keys,
    isRevoked: judgeOf(revoked, authorities.lostBy(revoked)),
    readPeer: readerOf(deviceIdOf, authorities, lists.length > 0),
    facts: {
      certificateEndsAtMs: Date.parse(leaf.validTo),
      crlEndsAtMs: earliest(lists),
      revokedCertificates: revoked.size,
      fingerprint: leaf.fingerprint256,
      ticketKeysId: tickets.keys?.id,
    },
    listStates,
    warnings: [...warningsOf(files), ...tickets.warnings],
  };
}

/**
 * OpenSSL compares names of authorities less strictly than revocation lists are looked up in here: who is let in by a name
 * that is written otherwise could not be cut off. RFC 5280, section 4.1.2.6, wants it written in the same way.
 */
const readerOf =
  (deviceIdOf: (names: CertificateNames) => string | undefined, authorities: Authorities, hasLists: boolean) =>
  (peer: X509Certificate): ClientCertificate => {
    const certificate = readPeerCertificate(peer, deviceIdOf, authorities);
    if (!hasLists || certificate.issuedBy?.length !== 0) return certificate;
    throw new TlsError('tls_crl_untrusted', 'no revocation list is about this certificate');
  };

/** @param lost authorities that count no more. */
const judgeOf =
  (revoked: ReadonlySet<string>, lost: ReadonlySet<string>) =>
  ({ id, issuedBy = [] }: ClientCertificate): boolean =>
    revoked.has(id) || (issuedBy.length > 0 && issuedBy.every((issuer) => lost.has(issuer) || revoked.has(issuer)));

function readServerCertificate({ certFile, keyFile }: TlsFiles, nowMs: number) {
  const cert = readText(certFile, 'certificate');
  const [leaf] = parseCertificates(cert, certFile, 'certificate') as readonly [X509Certificate];
  const key = readText(keyFile, 'private key');
  if (!leaf.checkPrivateKey(parseKey(key, keyFile))) {
    const message = `private key ${keyFile} is not that of certificate ${certFile}: give the key that belongs to it, the server's own certificate first in its file`;
    throw new TlsError('tls_key_mismatch', message);
  }
  if (Date.parse(leaf.validFrom) > nowMs || Date.parse(leaf.validTo) <= nowMs) {
    const message = `certificate ${certFile} is valid from ${leaf.validFrom} to ${leaf.validTo}, which is not now: renew it, or set this machine's clock`;
    throw new TlsError('tls_certificate_expired', message);
  }
  return { cert, key, leaf };
}

function readClientCa({ clientCaFile }: TlsFiles): string {
  if (clientCaFile === undefined) return '';
  const pem = readText(clientCaFile, 'client authorities');
  parseCertificates(pem, clientCaFile, 'client authorities');
  return pem;
}

/** Each of them in DER that OpenSSL has read already. */
function authoritiesOf(clientCa: string, { clientCaFile = '' }: TlsFiles): Authorities {
  return new Authorities(clientCa === '' ? [] : parseCertificates(clientCa, clientCaFile, 'client authorities'));
}

/** OpenSSL has the last word: a key that is too short, a list that it can't read. */
function refuseUnusable(context: SecureContextOptions, { certFile }: TlsFiles): void {
  try {
    createSecureContext(context);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const message = `certificate ${certFile} and the files beside it can't be used for TLS (${code}): a P-256 or RSA key of at least 2048 bits, and lists and authorities in PEM are needed`;
    throw new TlsError('tls_file_invalid', message);
  }
}

const earliest = (lists: readonly CurrentList[]): number | undefined =>
  lists.flatMap(({ nextUpdateMs }) => (nextUpdateMs === undefined ? [] : [nextUpdateMs])).toSorted((a, b) => a - b)[0];

function warningsOf({ keyFile, clientCertificates, crlFiles, crlUrls = [] }: TlsFiles): string[] {
  const warnings: string[] = [];
  if (isOpenToOthers(keyFile)) {
    warnings.push(
      `private key ${keyFile} can be read or changed by others than its owner: chmod 600, or a volume of its own`,
    );
  }
  if (clientCertificates !== 'none' && crlFiles.length + crlUrls.length === 0) {
    warnings.push(
      'there is no revocation list (crlFiles, crlUrls): a certificate that was stolen is good until it expires',
    );
  }
  return warnings;
}
