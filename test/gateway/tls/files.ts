import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevelopmentAuthority, type IssueRequest } from '../../../certs/authority.ts';
import type { CertificateNames } from '../../../gateway/core/client-certificate.ts';
import { deviceIdByRule } from '../../../gateway/identity/certificate-rule.ts';
import { readTlsMaterial, type TlsFiles, type TlsMaterial } from '../../../gateway/tls/material.ts';

export const byUri = deviceIdByRule({ deviceIdFrom: 'san-uri', pattern: '' });

/** An authority with the certificate of a server on 127.0.0.1, in a folder that is gone when disposed. */
export class TlsFolder implements Disposable {
  readonly path: string;
  readonly authority: DevelopmentAuthority;
  readonly files: TlsFiles;

  private constructor(path: string, authority: DevelopmentAuthority, files: TlsFiles) {
    this.path = path;
    this.authority = authority;
    this.files = files;
  }

  static async make(): Promise<TlsFolder> {
    const path = mkdtempSync(join(tmpdir(), 'tls-test-'));
    const authority = await DevelopmentAuthority.create(path);
    const { certFile, keyFile } = await authority.issue({ kind: 'server', name: '127.0.0.1', days: 30 });
    return new TlsFolder(path, authority, {
      certFile,
      keyFile,
      clientCaFile: authority.certFile,
      crlFiles: [authority.crlPath],
      minVersion: '1.2',
      clientCertificates: 'required',
      listener: 'secure',
      ticketRotationHours: 24,
      ticketLifetimeSeconds: 86_400,
    });
  }

  device(name: string, changes: Partial<IssueRequest> = {}) {
    return this.authority.issue({ kind: 'device', name, days: 1, ...changes });
  }

  read(
    changes: Partial<TlsFiles> = {},
    nowMs: number = Date.now(),
    deviceIdOf: (names: CertificateNames) => string | undefined = byUri,
    before?: TlsMaterial,
  ): TlsMaterial {
    return readTlsMaterial({ ...this.files, ...changes }, nowMs, deviceIdOf, before);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
