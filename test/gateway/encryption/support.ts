import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DecryptionError,
  type FindKey,
  type ReceivedRecord,
  RecordDecrypter,
} from '../../../decoder/decrypt-record.ts';
import type { DataKey, KeyProvider } from '../../../gateway/core/data-keys.ts';
import { SecretKey } from '../../../gateway/encryption/secret-key.ts';

/** Bytes of a key that nobody uses but tests: all of them the same. */
export const bytesOfKey = (fill: number): Buffer => Buffer.alloc(32, fill);

/** Keys in memory, the first of which is current until `use` says otherwise. */
export class TestKeys implements KeyProvider {
  readonly #keys = new Map<string, { readonly key: DataKey; readonly bytes: Buffer }>();
  #current: string;

  constructor(...ids: string[]) {
    for (const [index, id] of ids.entries()) {
      const bytes = bytesOfKey(index + 1);
      this.#keys.set(id, { key: new SecretKey(id, bytes), bytes });
    }
    this.#current = ids[0] as string;
  }

  current(): DataKey {
    return this.byId(this.#current) as DataKey;
  }

  byId(id: string): DataKey | undefined {
    return this.#keys.get(id)?.key;
  }

  use(id: string): void {
    this.#current = id;
  }

  /** What a consumer has of them. */
  readonly find: FindKey = (id) => this.#keys.get(id)?.bytes;
}

/** Opens a record; the code of the failure when it does not open. */
export function open(record: ReceivedRecord, find: FindKey): Buffer | string {
  try {
    return new RecordDecrypter(find).decrypt(record);
  } catch (error) {
    if (error instanceof DecryptionError) return error.code;
    throw error;
  }
}

/** A folder for files of keys that is gone when disposed. */
export class KeysFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'keys-test-'));

  /** @returns the path of a file that only its owner may read, unless `mode` says otherwise. */
  write(name: string, content: object | string, mode = 0o600): string {
    const path = join(this.path, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
    chmodSync(path, mode);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
