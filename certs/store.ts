import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertsError } from './certs-error.ts';

/** One certificate that the authority has issued. */
export interface IssuedCertificate {
  /** Hexadecimal digits, in lower case. */
  readonly serial: string;
  readonly kind: 'server' | 'device';
  readonly name: string;
  /** ISO 8601, as are the others. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly revokedAt: string | null;
}

/** What the authority remembers between two commands. */
export interface Ledger {
  readonly crlNumber: number;
  readonly issued: readonly IssuedCertificate[];
}

const keyMode = 0o600;
const certificateMode = 0o644;

/** The files of an authority in a directory that nobody but its owner may look into. */
export class Store {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** A directory for a new authority; made when missing. @throws {CertsError} when it holds one, or is open to others. */
  static create(directory: string): Store {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const store = new Store(directory);
    store.#refuseOpenDirectory();
    return store;
  }

  /** @throws {CertsError} when there is no authority, or the directory is open to others. */
  static open(directory: string): Store {
    const store = new Store(directory);
    try {
      statSync(store.path('ca.key'));
    } catch {
      const message = `there is no authority in ${directory}: make one with "npm run certs -- init --directory ${directory}", or name another directory`;
      throw new CertsError('no_authority', message);
    }
    store.#refuseOpenDirectory();
    return store;
  }

  path(file: string): string {
    return join(this.directory, file);
  }

  read(file: string): string {
    try {
      return readFileSync(this.path(file), 'utf8');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CertsError('unusable_authority', `the authority in ${this.directory} is damaged: ${reason}`);
    }
  }

  /** For the owner alone: a private key, or another secret. */
  writeKey(file: string, text: string, replace = false): string {
    return this.#write(file, text, keyMode, replace);
  }

  writeCertificate(file: string, pem: string, replace = false): string {
    return this.#write(file, pem, certificateMode, replace);
  }

  readLedger(): Ledger {
    try {
      return JSON.parse(this.read('issued.json')) as Ledger;
    } catch (error) {
      if (error instanceof CertsError) throw error;
      throw new CertsError('unusable_authority', `${this.path('issued.json')} is no JSON: put a copy of it back`);
    }
  }

  writeLedger(ledger: Ledger): void {
    this.#write('issued.json', `${JSON.stringify(ledger, null, 2)}\n`, keyMode, true);
  }

  /** Whole or not at all: whoever reads the file meanwhile sees the old one, and a full disk leaves that. */
  #write(file: string, text: string, mode: number, replace: boolean): string {
    const path = this.path(file);
    if (!replace) this.refuseExisting(file);
    const unfinished = `${path}.${process.pid}.new`;
    try {
      writeFileSync(unfinished, text, { mode, flag: 'wx' });
      // Whatever the mask of the process takes away, readers of certificates need.
      chmodSync(unfinished, mode);
      renameSync(unfinished, path);
    } finally {
      rmSync(unfinished, { force: true });
    }
    return path;
  }

  refuseExisting(...files: readonly string[]): void {
    const existing = files.find((file) => statSync(this.path(file), { throwIfNoEntry: false }) !== undefined);
    if (existing === undefined) return;
    const message = `${this.path(existing)} exists: move it away, choose another name or directory, or replace it with --replace where the command has that`;
    throw new CertsError('file_exists', message);
  }

  #refuseOpenDirectory(): void {
    const { mode } = statSync(this.directory);
    if ((mode & 0o077) === 0) return;
    const octal = (mode & 0o777).toString(8);
    const message = `${this.directory} is open to others (mode ${octal}), and private keys lie in it: chmod 700 ${this.directory}`;
    throw new CertsError('open_directory', message);
  }
}
