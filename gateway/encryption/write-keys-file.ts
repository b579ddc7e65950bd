import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { stringify } from 'yaml';
import type { KeysFile } from './keys-file.ts';

/** Puts a file of keys, which only its owner may read, in the place of what was there: at once, so that nobody reads half of it. */
export function writeKeysFile(path: string, { current, keys }: Pick<KeysFile, 'current' | 'keys'>): void {
  const filed = keys.map((key) =>
    'key' in key
      ? { id: key.id, key: key.key.toString('base64') }
      : { id: key.id, wrapped: key.wrapped.toString('base64'), masterKey: key.masterKeyId },
  );
  const temporary = `${path}.new`;
  // What a command that was killed left behind; its mode may be another one.
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(descriptor, stringify({ current, keys: filed }, { lineWidth: 0 }));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
}
