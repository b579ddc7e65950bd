import { X509Certificate } from 'node:crypto';
import { isUsableId, usableIdRule } from '../gateway/identity/device.ts';
import { CertsError } from './certs-error.ts';
import { newKeyPair, newSerial, privateKeyPem, readPrivateKey } from './keys.ts';
import { type IssuedCertificate, Store } from './store.ts';
import {
  type AlternativeNames,
  authorityCertificate,
  type Issuer,
  leafCertificate,
  revocationList,
  serverNames,
} from './x509.ts';

const dayMs = 86_400_000;
/** Clocks of devices may be behind. */
const backdatedMs = 60_000;
export const defaultCrlDays = 30;
const certificateFile = 'ca.pem';
const keyFile = 'ca.key';
const crlFile = 'crl.pem';

export interface IssueRequest {
  readonly kind: 'server' | 'device';
  /** Common name; without names of its own, a server gets it as DNS name or address, a device as `urn:device:NAME`. */
  readonly name: string;
  readonly names?: Partial<AlternativeNames>;
  readonly days: number;
  /** Milliseconds since the epoch; a minute ago by default. For tests: a certificate whose time is over. */
  readonly notBeforeMs?: number;
  /** Overwrites the files of an earlier certificate of this name, which stays valid until it is revoked. */
  readonly replace?: boolean;
}

export interface Issued extends IssuedCertificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * A certificate authority for development and tests: P-256, one level, its key in a file. Not for a fleet: there is
 * neither a hardware module, nor a record of who asked for what.
 *
 * One process at a time may change a directory.
 */
export class DevelopmentAuthority {
  readonly #store: Store;

  private constructor(store: Store) {
    this.#store = store;
  }

  /** Makes an authority, with an empty revocation list. @throws {CertsError} when one is there already. */
  static async create(
    directory: string,
    { name = 'Development authority', days = 3650 }: { readonly name?: string; readonly days?: number } = {},
  ): Promise<DevelopmentAuthority> {
    const store = Store.create(directory);
    store.refuseExisting(keyFile, certificateFile, crlFile, 'issued.json');
    const keys = await newKeyPair();
    const certificate = await authorityCertificate(name, newSerial(), keys, validity(days));
    store.writeKey(keyFile, privateKeyPem(keys));
    store.writeCertificate(certificateFile, certificate);
    store.writeLedger({ crlNumber: 0, issued: [] });
    const authority = new DevelopmentAuthority(store);
    await authority.writeCrl();
    return authority;
  }

  /** @throws {CertsError} when there is none, or others may look into its directory. */
  static open(directory: string): DevelopmentAuthority {
    return new DevelopmentAuthority(Store.open(directory));
  }

  get certFile(): string {
    return this.#store.path(certificateFile);
  }

  get crlPath(): string {
    return this.#store.path(crlFile);
  }

  /** Issues a certificate with a new key, as `KIND-NAME.pem` and `KIND-NAME.key` in the directory. @throws {CertsError} */
  async issue(request: IssueRequest): Promise<Issued> {
    const { kind, name, days, notBeforeMs, replace = false } = request;
    if (!isUsableId(name)) throw new CertsError('unusable_name', `name "${name}" can't be used: ${usableIdRule}`);
    const files = { certificate: `${kind}-${name}.pem`, key: `${kind}-${name}.key` };
    if (!replace) this.#store.refuseExisting(files.certificate, files.key);
    const keys = await newKeyPair();
    const serial = newSerial();
    const period = validity(days, notBeforeMs);
    const names = namesOf(request);
    const leaf = { ...period, kind, commonName: name, names, serial, publicKey: keys.publicKey };
    const certificate = await leafCertificate(await this.#issuer(), leaf);
    const issued: IssuedCertificate = {
      serial,
      kind,
      name,
      notBefore: period.notBefore.toISOString(),
      notAfter: period.notAfter.toISOString(),
      revokedAt: null,
    };
    const ledger = this.#store.readLedger();
    this.#store.writeLedger({ ...ledger, issued: [...ledger.issued, issued] });
    const keyFile = this.#store.writeKey(files.key, privateKeyPem(keys), replace);
    const certFile = this.#store.writeCertificate(files.certificate, certificate, replace);
    return { ...issued, certFile, keyFile };
  }

  /** Everything that was issued, oldest first. */
  list(): readonly IssuedCertificate[] {
    return this.#store.readLedger().issued;
  }

  /**
   * Revokes the certificate with this serial number, or all with this name, and writes the revocation list anew.
   *
   * @returns those that were not revoked before.
   * @throws {CertsError} when there is none.
   */
  async revoke(serialOrName: string): Promise<readonly IssuedCertificate[]> {
    const ledger = this.#store.readLedger();
    const serial = serialOrName.replaceAll(':', '').toLowerCase();
    const isMeant = (each: IssuedCertificate) => each.serial === serial || each.name === serialOrName;
    if (!ledger.issued.some(isMeant)) {
      const message = `no certificate has the serial number or name ${serialOrName}: "npm run certs -- list" shows them`;
      throw new CertsError('unknown_certificate', message);
    }
    const revokedAt = new Date().toISOString();
    const revoked = ledger.issued
      .filter((each) => isMeant(each) && each.revokedAt === null)
      .map((each) => ({ ...each, revokedAt }));
    const bySerial = new Map(revoked.map((each) => [each.serial, each]));
    this.#store.writeLedger({ ...ledger, issued: ledger.issued.map((each) => bySerial.get(each.serial) ?? each) });
    await this.writeCrl();
    return revoked;
  }

  /** Writes a revocation list that is good for `days`. Returns its path. */
  async writeCrl(days: number = defaultCrlDays, thisUpdateMs: number = Date.now()): Promise<string> {
    const ledger = this.#store.readLedger();
    const number = ledger.crlNumber + 1;
    const revoked = ledger.issued.flatMap(({ serial, revokedAt }) =>
      revokedAt === null ? [] : [{ serial, at: new Date(revokedAt) }],
    );
    const thisUpdate = wholeSeconds(thisUpdateMs);
    const nextUpdate = wholeSeconds(thisUpdateMs + days * dayMs);
    const list = await revocationList(await this.#issuer(), { thisUpdate, nextUpdate, number, revoked });
    this.#store.writeLedger({ ...ledger, crlNumber: number });
    return this.#store.writeCertificate(crlFile, list, true);
  }

  async #issuer(): Promise<Issuer> {
    const certificate = this.#store.read(certificateFile);
    const key = this.#store.read(keyFile);
    try {
      new X509Certificate(certificate);
      return { certificate, keys: { privateKey: await readPrivateKey(key) } };
    } catch {
      const message = `${this.certFile} or its key is damaged: put a copy back, or make another authority`;
      throw new CertsError('unusable_authority', message);
    }
  }
}

function namesOf({ kind, name, names = {} }: IssueRequest): AlternativeNames {
  const { dns = [], ip = [], uri = [] } = names;
  if (dns.length + ip.length + uri.length > 0) return { dns, ip, uri };
  return kind === 'server' ? serverNames(name) : { dns: [], ip: [], uri: [`urn:device:${name}`] };
}

function validity(days: number, notBeforeMs: number = Date.now() - backdatedMs) {
  return { notBefore: wholeSeconds(notBeforeMs), notAfter: wholeSeconds(notBeforeMs + days * dayMs) };
}

/** Certificates know no fractions of seconds (RFC 5280, section 4.1.2.5). */
const wholeSeconds = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);
