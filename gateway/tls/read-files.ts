import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { type RevocationList, readRevocationList, splitRevocationLists } from './revocation-list.ts';
import { TlsError } from './tls-error.ts';

const mebibyte = 1024 * 1024;
/** Of keys and certificates: hundreds of authorities. */
const mostBytes = mebibyte;
/** Of a file of revocation lists: some 200,000 certificates. */
export const mostListBytes = 16 * mebibyte;

/**
 * Reads a file of text.
 *
 * @param what for the error: which file it is.
 * @param limitBytes what is larger is not read: the event loop waits meanwhile.
 * @throws {TlsError}
 */
export function readText(path: string, what: string, limitBytes = mostBytes): string {
  let bytes: Buffer | undefined;
  try {
    bytes = readUpTo(path, limitBytes);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const message = `${what} ${path} can't be read (${code}): a file in PEM that this process may read is needed`;
    throw new TlsError('tls_file_unreadable', message);
  }
  if (bytes !== undefined) return bytes.toString('utf8');
  const message = `${what} ${path} is larger than ${limitBytes / mebibyte} MiB: is this the right file?`;
  throw new TlsError('tls_file_too_large', message);
}

/** A pipe or a device is no file: reading it might take for ever, and so might opening one, but for O_NONBLOCK. */
function readUpTo(path: string, limitBytes: number): Buffer | undefined {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw Object.assign(new Error('no file'), { code: 'not a regular file' });
    if (stats.size > limitBytes) return undefined;
    // One byte more than there should be: the file may be growing.
    const bytes = Buffer.alloc(stats.size + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

const certificateBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g;

/** The certificates of a file in PEM, at least one. @throws {TlsError} */
export function parseCertificates(pem: string, path: string, what: string): readonly X509Certificate[] {
  try {
    const certificates = (pem.match(certificateBlock) ?? []).map((block) => new X509Certificate(block));
    if (certificates.length > 0) return certificates;
  } catch {
    // Said below: OpenSSL's own words name no file.
  }
  throw new TlsError('tls_file_invalid', `${what} ${path} holds no readable certificate: PEM is needed`);
}

/** The private key of a file in PEM. What OpenSSL says is not passed on. @throws {TlsError} */
export function parseKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    const message = `private key ${path} can't be used: an unencrypted private key in PEM is needed`;
    throw new TlsError('tls_file_invalid', message);
  }
}

export interface ReadList extends RevocationList {
  readonly pem: string;
}

/** The revocation lists of a file in PEM, at least one. @throws {TlsError} */
export function parseRevocationLists(pem: string, path: string): readonly ReadList[] {
  try {
    const lists = splitRevocationLists(pem).map((block) => ({ ...readRevocationList(block), pem: block }));
    if (lists.length > 0) return lists;
  } catch {
    // Said below.
  }
  throw new TlsError('tls_file_invalid', `revocation list ${path} holds no readable list: PEM is needed`);
}

/** Whether others than the owner may read or change the file. */
export const isOpenToOthers = (path: string): boolean =>
  ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0;
