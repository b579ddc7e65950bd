// First: the library needs it while it is loaded.
import '../../../certs/metadata-reflection.ts';

import { webcrypto, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { X509CertificateGenerator, X509CrlGenerator } from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { Authorities } from '../../../gateway/tls/authorities.ts';
import { currentLists } from '../../../gateway/tls/current-lists.ts';
import type { TlsMaterial } from '../../../gateway/tls/material.ts';
import { TlsError } from '../../../gateway/tls/tls-error.ts';
import { TlsFolder } from './files.ts';
import { makeAuthority, makeList } from './two-levels.ts';

const minuteMs = 60_000;

/** The code of the error with which the files are refused; `taken` when they are not. */
function outcome(read: () => unknown): string {
  try {
    read();
    return 'taken';
  } catch (error) {
    if (error instanceof TlsError) return error.code;
    throw error;
  }
}

/** An authority whose lists are written to the file of a listener. */
async function scene() {
  const folder = await TlsFolder.make();
  const authority = await makeAuthority('Fleet');
  const clientCaFile = join(folder.path, 'fleet.pem');
  writeFileSync(clientCaFile, authority.certificate);
  const crlFile = join(folder.path, 'fleet.crl');
  const write = async (...lists: readonly (string | Promise<string>)[]) =>
    writeFileSync(crlFile, (await Promise.all(lists.map(async (list) => await list))).join(''));
  const read = (before?: TlsMaterial) =>
    folder.read({ clientCaFile, crlFiles: [crlFile] }, Date.now(), undefined, before);
  return { folder, authority, write, read };
}

describe('a revocation list', () => {
  it('of an authority of clientCaFile is taken', async () => {
    const { folder, authority, write, read } = await scene();
    using _ = folder;
    await write(makeList(authority, ['0a']));
    expect(read().facts.revokedCertificates).toBe(1);
  });

  it('of somebody else is refused, whatever name it bears', async () => {
    const { folder, authority, write, read } = await scene();
    using _ = folder;
    await write(makeList(await makeAuthority('Others')));
    expect(outcome(read)).toBe('tls_crl_untrusted');
    await write(makeList(await makeAuthority('Fleet'), ['0a']));
    expect(outcome(read)).toBe('tls_crl_untrusted');
    await write(makeList(authority), makeList(await makeAuthority('Fleet')));
    expect(outcome(read)).toBe('tls_crl_untrusted');
  });

  it('that was changed after it was signed is refused', async () => {
    const { folder, authority, write, read } = await scene();
    using _ = folder;
    const pem = await makeList(authority, ['0a0b0c0d0e0f']);
    const der = Buffer.from(pem.replace(/-----[A-Z0-9 ]+-----/g, ''), 'base64');
    const at = der.indexOf(Buffer.from('0a0b0c0d0e0f', 'hex'));
    expect(at).toBeGreaterThan(0);
    der[at] = 0x0b;
    await write(`-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`);
    expect(outcome(read)).toBe('tls_crl_untrusted');
  });

  it('from the future is refused; a start goes through with one that is so by minutes', async () => {
    const { folder, authority, write, read } = await scene();
    using _ = folder;
    await write(makeList(authority));
    const before = read();
    await write(makeList(authority, [], { atMs: Date.now() + 2 * minuteMs }));
    expect([outcome(read), outcome(() => read(before))]).toEqual(['taken', 'tls_crl_premature']);
    await write(makeList(authority, [], { atMs: Date.now() + 6 * minuteMs }));
    expect(outcome(read)).toBe('tls_crl_premature');
  });

  it('that is older than the one that applies is refused, by its number', async () => {
    const { folder, authority, write, read } = await scene();
    using _ = folder;
    await write(makeList(authority, ['0a'], { number: 300 }));
    const before = read();
    await write(makeList(authority, [], { number: 299, atMs: Date.now() }));
    expect([outcome(() => read(before)), outcome(read)]).toEqual(['tls_crl_older', 'taken']);
    for (const number of [300, 301, 70_000]) {
      await write(makeList(authority, [], { number }));
      expect(outcome(() => read(before))).toBe('taken');
    }
  });

  it('counts its numbers apart from those of another authority, also of the same name', async () => {
    const { folder, authority, write, read } = await scene();
    using _ = folder;
    await write(makeList(authority, [], { number: 300 }));
    const before = read();
    const next = await makeAuthority('Fleet');
    writeFileSync(join(folder.path, 'fleet.pem'), authority.certificate + next.certificate);
    await write(makeList(authority, [], { number: 300 }), makeList(next, [], { number: 1 }));
    expect(outcome(() => read(before))).toBe('taken');
    // Beside the present one, an older one takes nothing back.
    await write(makeList(authority, [], { number: 300 }), makeList(authority, [], { number: 1 }));
    expect(outcome(() => read(before))).toBe('taken');
  });

  it.each([
    ['RSA with SHA-256', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, true],
    ['RSA-PSS with SHA-384', { name: 'RSA-PSS', hash: 'SHA-384', saltLength: 48 }, true],
    ['ECDSA on P-384', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }, true],
    ['Ed25519', { name: 'Ed25519' }, true],
    ['RSA with SHA-1', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-1' }, false],
  ])('may be signed by %s: %o is taken: %s', async (_what, algorithm, isTaken) => {
    using folder = await TlsFolder.make();
    const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
    const made: unknown = await webcrypto.subtle.generateKey({ ...rsa, ...algorithm }, true, ['sign', 'verify']);
    const keys = made as webcrypto.CryptoKeyPair;
    const name = [{ CN: ['Fleet'] }];
    const signing = { signingKey: keys.privateKey, signingAlgorithm: algorithm };
    const certificate = await X509CertificateGenerator.createSelfSigned({ name, keys, signingAlgorithm: algorithm });
    const thisUpdate = new Date(Date.now() - minuteMs);
    const crl = await X509CrlGenerator.create({ issuer: certificate.subjectName, thisUpdate, ...signing });
    const path = join(folder.path, 'list.pem');
    const text = Buffer.from(crl.rawData).toString('base64');
    writeFileSync(path, `-----BEGIN X509 CRL-----\n${text}\n-----END X509 CRL-----\n`);
    const authorities = new Authorities([new X509Certificate(Buffer.from(certificate.rawData))]);
    expect(outcome(() => currentLists(readFileSync(path, 'utf8'), path, authorities, Date.now(), 0))).toBe(
      isTaken ? 'taken' : 'tls_crl_untrusted',
    );
  });

  it('of the development authority has a number, and none of another installation is taken for it', async () => {
    using folder = await TlsFolder.make();
    using other = await TlsFolder.make();
    const before = folder.read();
    expect([...before.listStates.values()]).toMatchObject([{ number: 1n }]);
    writeFileSync(folder.authority.crlPath, readFileSync(other.authority.crlPath));
    expect(outcome(() => folder.read({}, Date.now(), undefined, before))).toBe('tls_crl_untrusted');
  });
});
