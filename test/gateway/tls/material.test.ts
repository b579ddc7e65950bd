import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCertificateId } from '../../../gateway/tls/certificate-id.ts';
import { DerError } from '../../../gateway/tls/der.ts';
import type { TlsFiles } from '../../../gateway/tls/material.ts';
import { readRevocationList } from '../../../gateway/tls/revocation-list.ts';
import { TlsError } from '../../../gateway/tls/tls-error.ts';
import { TlsFolder } from './files.ts';

const dayMs = 86_400_000;

const refusal = (folder: TlsFolder, changes: Partial<TlsFiles>, nowMs?: number): TlsError => {
  try {
    folder.read(changes, nowMs);
  } catch (error) {
    if (error instanceof TlsError) return error;
    throw error;
  }
  throw new Error('the files were taken');
};

describe('the files of a listener', () => {
  it('are read, with when they end', async () => {
    using folder = await TlsFolder.make();
    const { facts, warnings } = folder.read();
    expect(facts.certificateEndsAtMs).toBeGreaterThan(Date.now() + 29 * dayMs);
    expect(facts.crlEndsAtMs).toBeGreaterThan(Date.now() + 29 * dayMs);
    expect(facts.revokedCertificates).toBe(0);
    expect(warnings).toEqual([]);
  });

  it('are refused by name when one is missing or holds something else', async () => {
    using folder = await TlsFolder.make();
    const missing = join(folder.path, 'missing.pem');
    const garbage = join(folder.path, 'garbage.pem');
    writeFileSync(garbage, 'not PEM, but secret-canary');
    for (const setting of ['certFile', 'keyFile', 'clientCaFile'] as const) {
      expect(refusal(folder, { [setting]: missing })).toMatchObject({ code: 'tls_file_unreadable' });
      const { code, message } = refusal(folder, { [setting]: garbage });
      expect(code).toBe('tls_file_invalid');
      expect(message).toContain(garbage);
      expect(message).not.toContain('canary');
    }
    expect(refusal(folder, { crlFiles: [missing] }).code).toBe('tls_file_unreadable');
    expect(refusal(folder, { crlFiles: [garbage] }).code).toBe('tls_file_invalid');
  });

  it('are refused when they are too large, or no files: nothing waits for them', async () => {
    using folder = await TlsFolder.make();
    const large = join(folder.path, 'large.pem');
    writeFileSync(large, readFileSync(folder.authority.certFile));
    truncateSync(large, 2 * 1024 * 1024);
    expect(refusal(folder, { clientCaFile: large })).toMatchObject({
      code: 'tls_file_too_large',
      message: expect.stringContaining('large.pem is larger than 1 MiB'),
    });
    expect(refusal(folder, { crlFiles: [large] }).code).toBe('tls_file_invalid');
    truncateSync(large, 17 * 1024 * 1024);
    expect(refusal(folder, { crlFiles: [large] }).code).toBe('tls_file_too_large');
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, folder.path, '/dev/zero']) {
      expect(refusal(folder, { certFile: path }).message).toContain('not a regular file');
    }
  });

  it('are refused when the key is that of another certificate', async () => {
    using folder = await TlsFolder.make();
    const other = await folder.authority.issue({ kind: 'server', name: 'other', days: 1 });
    const { code, message } = refusal(folder, { keyFile: other.keyFile });
    expect(code).toBe('tls_key_mismatch');
    expect(message).toContain(other.keyFile);
  });

  it('are refused when the certificate is not valid now', async () => {
    using folder = await TlsFolder.make();
    expect(refusal(folder, { crlFiles: [] }, Date.now() + 31 * dayMs).code).toBe('tls_certificate_expired');
    expect(refusal(folder, { crlFiles: [] }, Date.now() - dayMs).code).toBe('tls_certificate_expired');
  });

  it('are refused when a revocation list is out of date', async () => {
    using folder = await TlsFolder.make();
    await folder.authority.writeCrl(1, Date.now() - 2 * dayMs);
    expect(refusal(folder, {})).toMatchObject({ code: 'tls_crl_expired' });
  });

  it('are taken with a warning when others may read the key, or nothing is ever revoked', async () => {
    using folder = await TlsFolder.make();
    chmodSync(folder.files.keyFile, 0o640);
    const { warnings } = folder.read({ crlFiles: [] });
    expect(warnings).toEqual([expect.stringContaining('chmod 600'), expect.stringContaining('crlFiles')]);
  });
});

describe('a revocation list', () => {
  it('names certificates as they name themselves', async () => {
    using folder = await TlsFolder.make();
    const a = await folder.device('a');
    const b = await folder.device('b');
    await folder.authority.revoke('a');
    const { isRevoked, facts } = folder.read();
    const read = (path: string) => ({
      id: readCertificateId(new X509Certificate(readFileSync(path)).raw),
      fingerprint: '',
      deviceId: undefined,
      validToMs: 0,
    });
    expect([isRevoked(read(a.certFile)), isRevoked(read(b.certFile))]).toEqual([true, false]);
    expect(facts.revokedCertificates).toBe(1);
  });

  it('of another authority names no certificate of this one', async () => {
    using folder = await TlsFolder.make();
    using other = await TlsFolder.make();
    const id = readCertificateId(new X509Certificate(readFileSync(folder.files.certFile)).raw);
    expect(id).toMatch(/^[0-9a-f]{32}:[0-9a-f]{32}$/);
    await other.device('a');
    await other.authority.revoke('a');
    expect(other.read().facts.revokedCertificates).toBe(1);
    expect(other.read().isRevoked({ id, fingerprint: '', deviceId: undefined, validToMs: 0 })).toBe(false);
  });

  it('that is damaged is refused, and never reads beyond its bytes', async () => {
    using folder = await TlsFolder.make();
    await folder.device('a');
    await folder.authority.revoke('a');
    const pem = readFileSync(folder.authority.crlPath, 'utf8');
    const der = Buffer.from(pem.replace(/-----[A-Z0-9 ]+-----/g, ''), 'base64');
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(der.length), (at, value, length) => {
        const damaged = Buffer.from(der.subarray(0, length));
        if (at < damaged.length) damaged[at] = value;
        try {
          readRevocationList(damaged.toString('base64'));
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
