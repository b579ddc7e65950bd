import type { DataKey, KeyProvider } from '../core/data-keys.ts';
import { type KeyWrapper, LocalKeyWrapper } from './key-wrapper.ts';
import { KeysError } from './keys-error.ts';
import { type FiledKey, type KeysFile, readKeysFile } from './keys-file.ts';
import { keyBytes, SecretKey } from './secret-key.ts';

export interface KeyFiles {
  readonly keysFile: string;
  /** Keys that wrap those of `keysFile`; undefined or empty: none is wrapped. */
  readonly masterKeysFile?: string | undefined;
}

/** What applies after a reading. */
export interface KeysRead {
  readonly current: string;
  readonly keys: number;
  readonly warnings: readonly string[];
}

/**
 * The keys of a file, which may be read anew at any time: all of it is taken, or nothing. A key that has gone from the file
 * stays readable until the process ends, as there may be something on the disk that is encrypted under it.
 */
export class KeyRing implements KeyProvider {
  readonly #files: KeyFiles;
  readonly #wrapper: (() => KeyWrapper) | undefined;
  #keys: ReadonlyMap<string, SecretKey> = new Map();
  #current: SecretKey | undefined;

  /** @param wrapper what unwraps keys instead of `masterKeysFile`: a key management service. */
  constructor(files: KeyFiles, wrapper?: KeyWrapper) {
    this.#files = files;
    const { masterKeysFile } = files;
    if (wrapper !== undefined) this.#wrapper = () => wrapper;
    else if (masterKeysFile) this.#wrapper = () => localWrapper(masterKeysFile);
  }

  /** Reads the files. @throws {KeysError} and everything is as before. */
  async read(): Promise<KeysRead> {
    const file = readKeysFile(this.#files.keysFile);
    const wrapper = file.keys.some((key) => 'wrapped' in key) ? this.#wrapper?.() : undefined;
    const keys = new Map(this.#keys);
    for (const filed of file.keys) {
      const key = new SecretKey(filed.id, await bytesOf(filed, wrapper));
      const known = this.#keys.get(key.id);
      if (known !== undefined && !known.equals(key)) {
        const message = `the id "${key.id}" stands for another key than before: give a new key an id of its own`;
        throw new KeysError('keys_changed', message);
      }
      keys.set(key.id, known ?? key);
    }
    this.#keys = keys;
    this.#current = keys.get(file.current);
    return { current: file.current, keys: file.keys.length, warnings: warningsOf(file) };
  }

  /** @throws {KeysError} before the first reading. */
  current(): DataKey {
    if (this.#current === undefined) throw new KeysError('keys_unreadable', 'no keys have been read');
    return this.#current;
  }

  byId(id: string): DataKey | undefined {
    return this.#keys.get(id);
  }
}

/** The files are read anew each time: a master key may be rotated, too. @throws {KeysError} */
export function localWrapper(path: string): KeyWrapper {
  const keys = readKeysFile(path).keys.map((filed): [string, Buffer] => {
    if ('key' in filed) return [filed.id, filed.key];
    throw new KeysError('keys_malformed', `keys file ${path}: the master key "${filed.id}" must not be wrapped itself`);
  });
  return new LocalKeyWrapper(new Map(keys));
}

async function bytesOf(filed: FiledKey, wrapper: KeyWrapper | undefined): Promise<Buffer> {
  if ('key' in filed) return filed.key;
  const { id, wrapped, masterKeyId } = filed;
  if (wrapper === undefined) {
    const remedy = 'name the file of master keys (encryption.masterKeysFile)';
    throw new KeysError('keys_wrapped', `the key "${id}" is wrapped by the master key "${masterKeyId}": ${remedy}`);
  }
  const bytes = await wrapper.unwrap(wrapped, id, masterKeyId);
  if (bytes.length === keyBytes) return bytes;
  throw new KeysError(
    'keys_wrapped',
    `the key "${id}" has ${bytes.length} bytes when it is unwrapped, not ${keyBytes}`,
  );
}

const warningsOf = ({ warnings, keys }: KeysFile): readonly string[] => {
  const plain = keys.filter((key) => 'key' in key).length;
  const isMixed = plain > 0 && plain < keys.length;
  return isMixed ? [...warnings, `${plain} of ${keys.length} keys are not wrapped by a master key`] : warnings;
};
