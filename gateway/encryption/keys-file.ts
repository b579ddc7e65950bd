import { readFileSync, statSync } from 'node:fs';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { parseDocument } from 'yaml';
import { maxKeyIdBytes } from '../core/data-keys.ts';
import { KeysError } from './keys-error.ts';
import { keyBytes } from './secret-key.ts';

const keyId = Type.String({ pattern: `^[A-Za-z0-9._-]{1,${maxKeyIdBytes}}$` });
const closed = { additionalProperties: false } as const;
const plainKey = Type.Object({ id: keyId, key: Type.String() }, closed);
const wrappedKey = Type.Object({ id: keyId, wrapped: Type.String(), masterKey: keyId }, closed);
const keysFile = Type.Object(
  { current: keyId, keys: Type.Array(Type.Union([plainKey, wrappedKey]), { minItems: 1 }) },
  closed,
);

/** A key as the file has it: as it is, or wrapped by a master key, both as bytes. */
export type FiledKey =
  | { readonly id: string; readonly key: Buffer }
  | { readonly id: string; readonly wrapped: Buffer; readonly masterKeyId: string };

/** A file of keys, in YAML or JSON, by what it says; docs/encryption.md describes it. */
export interface KeysFile {
  readonly current: string;
  readonly keys: readonly FiledKey[];
  /** What should be mended, in words. */
  readonly warnings: readonly string[];
}

const shape = '`current` and `keys`, each with `id` and `key` (or `wrapped` and `masterKey`)';

/** Reads a file of keys, which only its owner may read. @throws {KeysError} */
export function readKeysFile(path: string): KeysFile {
  const warnings = checkMode(path);
  const file = parseKeys(readText(path), path);
  const ids = file.keys.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw malformed(path, `the id "${twice}" stands for two keys`);
  if (!ids.includes(file.current))
    throw malformed(path, `current names "${file.current}", which is not among the keys`);
  return { ...file, warnings };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Others must not read keys, nor put in theirs; a group may read them, as orchestrators mount secrets that way. */
function checkMode(path: string): readonly string[] {
  let mode: number;
  try {
    ({ mode } = statSync(path));
  } catch (error) {
    throw unreadable(path, error);
  }
  if ((mode & 0o027) !== 0) {
    const shown = (mode & 0o777).toString(8);
    throw new KeysError('keys_exposed', `keys file ${path} is open to others (mode ${shown}): chmod 600 it`);
  }
  return (mode & 0o040) === 0
    ? []
    : [`keys file ${path} may be read by its group: chmod 600 it where that is possible`];
}

function parseKeys(text: string, path: string): Omit<KeysFile, 'warnings'> {
  const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: true });
  // What the parser says may quote the line, and that may hold a key.
  if (document.errors.length > 0) throw malformed(path, `neither YAML nor JSON; it holds ${shape}`);
  const value: unknown = document.toJS();
  if (!Value.Check(keysFile, value)) throw malformed(path, `it holds ${shape}, and nothing else`);
  return { current: value.current, keys: value.keys.map((key) => filedKey(key, path)) };
}

function filedKey(
  key: { id: string; key: string } | { id: string; wrapped: string; masterKey: string },
  path: string,
): FiledKey {
  if ('wrapped' in key) return { id: key.id, wrapped: bytesOf(key.wrapped, key.id, path), masterKeyId: key.masterKey };
  const bytes = bytesOf(key.key, key.id, path);
  if (bytes.length !== keyBytes) {
    const wanted = `${keyBytes} bytes in base64, as "openssl rand -base64 ${keyBytes}" makes them`;
    throw malformed(path, `the key "${key.id}" has ${bytes.length} bytes: it takes ${wanted}`);
  }
  return { id: key.id, key: bytes };
}

/** Base64 (RFC 4648, section 4), and nothing that a lenient decoder would leave out. */
function bytesOf(text: string, id: string, path: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw malformed(path, `the key "${id}" is not in base64`);
  return bytes;
}

const malformed = (path: string, problem: string): KeysError =>
  new KeysError('keys_malformed', `keys file ${path}: ${problem}`);

function unreadable(path: string, error: unknown): KeysError {
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  const wanted = 'a file that this process, and nobody else, may read is needed';
  return new KeysError('keys_unreadable', `keys file ${path} can't be read (${code}): ${wanted} (encryption.keysFile)`);
}
