import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DevelopmentAuthority } from '../../certs/authority.ts';
import { CertsError, type CertsErrorCode } from '../../certs/certs-error.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'certs-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const codeOf = async (work: () => unknown): Promise<CertsErrorCode | undefined> => {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof CertsError) return error.code;
    throw error;
  }
};

const certificate = (path: string) => new X509Certificate(readFileSync(path));

describe('a development authority', () => {
  it('is signed by itself, on P-256, and may sign', async () => {
    const authority = await DevelopmentAuthority.create(folder);
    const ca = certificate(authority.certFile);
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(ca.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(readFileSync(authority.crlPath, 'utf8')).toContain('BEGIN X509 CRL');
  });

  it('keeps its keys for the owner alone', async () => {
    const authority = await DevelopmentAuthority.create(join(folder, 'new'));
    const { keyFile, certFile } = await authority.issue({ kind: 'device', name: 'd-1', days: 1 });
    const modeOf = (path: string) => statSync(path).mode & 0o777;
    expect(modeOf(join(folder, 'new'))).toBe(0o700);
    expect(modeOf(join(folder, 'new', 'ca.key'))).toBe(0o600);
    expect(modeOf(keyFile)).toBe(0o600);
    expect(modeOf(certFile)).toBe(0o644);
  });

  it('is not made, opened or used in a directory that others may look into', async () => {
    await DevelopmentAuthority.create(folder);
    chmodSync(folder, 0o750);
    expect(await codeOf(() => DevelopmentAuthority.open(folder))).toBe('open_directory');
    const other = mkdtempSync(join(tmpdir(), 'certs-open-'));
    chmodSync(other, 0o701);
    expect(await codeOf(() => DevelopmentAuthority.create(other))).toBe('open_directory');
    rmSync(other, { recursive: true });
  });

  it('is never overwritten, nor is what it has issued, unless that was asked for', async () => {
    const authority = await DevelopmentAuthority.create(folder);
    const before = readFileSync(authority.certFile, 'utf8');
    expect(await codeOf(() => DevelopmentAuthority.create(folder))).toBe('file_exists');
    expect(readFileSync(authority.certFile, 'utf8')).toBe(before);
    const request = { kind: 'device', name: 'd-1', days: 1 } as const;
    const first = await authority.issue(request);
    expect(await codeOf(() => authority.issue(request))).toBe('file_exists');
    const second = await authority.issue({ ...request, replace: true });
    expect(second.serial).not.toBe(first.serial);
    expect(authority.list().map(({ serial }) => serial)).toEqual([first.serial, second.serial]);
  });

  it('says what to do where there is none, and where it is damaged', async () => {
    expect(await codeOf(() => DevelopmentAuthority.open(join(folder, 'nowhere')))).toBe('no_authority');
    const authority = await DevelopmentAuthority.create(folder);
    rmSync(join(folder, 'issued.json'));
    expect(await codeOf(() => authority.list())).toBe('unusable_authority');
  });
});

describe('a certificate', () => {
  it('of a device is for clients, and carries its id as a URI', async () => {
    const authority = await DevelopmentAuthority.create(folder);
    const issued = await authority.issue({ kind: 'device', name: 'd:1', days: 1 });
    const leaf = certificate(issued.certFile);
    const ca = certificate(authority.certFile);
    expect(leaf.checkIssued(ca) && leaf.verify(ca.publicKey)).toBe(true);
    expect(leaf.subjectAltName).toBe('URI:urn:device:d:1');
    expect(leaf.subject).toBe('CN=d:1');
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(leaf.ca).toBe(false);
    expect(leaf.serialNumber.toLowerCase()).toBe(issued.serial);
  });

  it.each([
    ['gateway.example', 'DNS:gateway.example'],
    ['127.0.0.1', 'IP Address:127.0.0.1'],
  ])('of server %s is for servers, under its name', async (name, expected) => {
    const authority = await DevelopmentAuthority.create(folder);
    const leaf = certificate((await authority.issue({ kind: 'server', name, days: 1 })).certFile);
    expect(leaf.subjectAltName).toBe(expected);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  it('has the names and the time that were asked for', async () => {
    const authority = await DevelopmentAuthority.create(folder);
    const names = { dns: ['a.example', '*.b.example'], ip: ['::1'], uri: ['urn:x:1'] };
    const notBeforeMs = Date.UTC(2020, 0, 1);
    const issued = await authority.issue({ kind: 'server', name: 's', names, days: 2, notBeforeMs });
    const leaf = certificate(issued.certFile);
    expect(leaf.subjectAltName).toBe('DNS:a.example, DNS:*.b.example, IP Address:0:0:0:0:0:0:0:1, URI:urn:x:1');
    expect(Date.parse(leaf.validTo)).toBe(Date.UTC(2020, 0, 3));
  });

  it.each(['', 'a/b', '../ca', 'CN=x,O=y', 'a b'])('is not issued for the name %j', async (name) => {
    const authority = await DevelopmentAuthority.create(folder);
    expect(await codeOf(() => authority.issue({ kind: 'device', name, days: 1 }))).toBe('unusable_name');
  });
});

describe('revoking', () => {
  it('takes a serial number or a name, once, and survives the next start', async () => {
    const authority = await DevelopmentAuthority.create(folder);
    const a = await authority.issue({ kind: 'device', name: 'a', days: 1 });
    const b = await authority.issue({ kind: 'device', name: 'b', days: 1 });
    expect(await authority.revoke(a.serial.toUpperCase())).toMatchObject([{ name: 'a' }]);
    const reopened = DevelopmentAuthority.open(folder);
    expect(await reopened.revoke('b')).toMatchObject([{ serial: b.serial }]);
    expect(await reopened.revoke('b')).toEqual([]);
    expect(reopened.list().every(({ revokedAt }) => revokedAt !== null)).toBe(true);
    expect(await codeOf(() => reopened.revoke('c'))).toBe('unknown_certificate');
  });
});
