import { createDecipheriv, hkdfSync } from 'node:crypto';

/**
 * Opens records that an Edge Ingest Gateway has encrypted. This file needs nothing but Node: consumers may copy it. What it
 * does is described in docs/encryption.md.
 */

/** A record as any Kafka client hands it out. Headers in their order; a name may occur more than once. */
export interface ReceivedRecord {
  /** Kafka topic that the record was written for: where it was read, unless it was copied from another. */
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [name: string, value: Uint8Array | null])[];
}

export const decryptionFailures = [
  /** The record is plain: whoever expects encrypted ones must not take it. */
  'not_encrypted',
  /** A header is missing, or is not what it should be. */
  'malformed',
  'unknown_algorithm',
  'unknown_key',
  /** Another key, or value, key, topic or headers are not those that it was encrypted with. */
  'not_authentic',
] as const;
export type DecryptionFailure = (typeof decryptionFailures)[number];

/** Why a record could not be opened. Nothing of its content is ever given out then. */
export class DecryptionError extends Error {
  override readonly name = 'DecryptionError';
  readonly code: DecryptionFailure;

  constructor(code: DecryptionFailure, message: string) {
    super(message);
    this.code = code;
  }
}

/** Derives keys of records from a key of 32 bytes; a keeper of keys may do that where the key cannot be had. */
export type DeriveKey = (salt: Uint8Array, info: string) => Uint8Array;

/** Looks a key up by its id; undefined: not known here. */
export type FindKey = (id: string) => Uint8Array | DeriveKey | undefined;

const algorithm = 'A256GCM-HKDF-S256-1';
const keyBytes = 32;
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
const mostDerivedKeys = 1000;

/** Whether the record is an encrypted one, going by its headers; whether that is true shows when it is opened. */
export const isEncrypted = ({ headers }: Pick<ReceivedRecord, 'headers'>): boolean =>
  headers.some(([name]) => name === 'enc_algorithm');

/**
 * Whether the record says of itself that it is a note of a replay, as they lie between dead letters: never encrypted, as it
 * holds nothing that a device sent, and nothing for consumers. Anybody may have put it there, so do not act on what it says.
 */
export const isReplayNote = ({ headers }: Pick<ReceivedRecord, 'headers'>): boolean =>
  headers.some(([name]) => name === 'dlq_note') && !headers.some(([name]) => name.startsWith('enc_'));

/** Opens encrypted records. Remembers derived keys: one serves all that a gateway writes from a start to the next. */
export class RecordDecrypter {
  readonly #find: FindKey;
  readonly #derived = new Map<string, Uint8Array>();

  constructor(find: FindKey) {
    this.#find = find;
  }

  /** @returns the value as it was before it was encrypted. @throws {DecryptionError} */
  decrypt(record: ReceivedRecord): Buffer {
    const { headers, value } = record;
    if (!isEncrypted(record)) throw new DecryptionError('not_encrypted', 'the record is not encrypted');
    const named = single(headers, 'enc_algorithm');
    if (named !== algorithm) throw new DecryptionError('unknown_algorithm', `only ${algorithm} can be opened`);
    const keyId = single(headers, 'enc_key_id');
    const salt = decoded(headers, 'enc_salt', saltBytes);
    const nonce = decoded(headers, 'enc_nonce', nonceBytes);
    if (value === null || value.length < tagBytes) throw malformed('the value is shorter than a tag');
    const key = this.#keyOf(keyId, salt);
    const tagAt = value.length - tagBytes;
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
      decipher.setAAD(associatedData(record, keyId));
      decipher.setAuthTag(value.subarray(tagAt));
      return Buffer.concat([decipher.update(value.subarray(0, tagAt)), decipher.final()]);
    } catch {
      const text = 'another key, or value, key, topic or headers are not those that it was encrypted with';
      throw new DecryptionError('not_authentic', text);
    }
  }

  #keyOf(keyId: string, salt: Buffer): Uint8Array {
    const name = `${keyId}\0${salt.toString('hex')}`;
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    const found = this.#find(keyId);
    if (found === undefined) throw new DecryptionError('unknown_key', 'the key that it names is not among the keys');
    const key = typeof found === 'function' ? found(salt, infoOf(keyId)) : derive(found, salt, infoOf(keyId));
    // Salts are what the writer says: a forged one must not fill the memory.
    if (this.#derived.size >= mostDerivedKeys) this.#derived.clear();
    this.#derived.set(name, key);
    return key;
  }
}

const infoOf = (keyId: string): string => `${algorithm}\0${keyId}`;

/** HKDF with SHA-256 (RFC 5869). */
const derive = (key: Uint8Array, salt: Uint8Array, info: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key, salt, info, keyBytes));

/**
 * What a record is bound to: fields, each its length (uint32, big-endian; 2^32 − 1 for null) and its bytes. Algorithm, key
 * id, topic, record key, then names and values of the bound headers in their order.
 */
export function associatedData({ topic, key, headers }: Omit<ReceivedRecord, 'value'>, keyId: string): Buffer {
  const bound = headers.filter(([name]) => isBound(name)).flatMap(([name, value]) => [Buffer.from(name), value]);
  const fields = [Buffer.from(algorithm), Buffer.from(keyId), Buffer.from(topic), key, ...bound];
  return Buffer.concat(fields.flatMap((field) => (field === null ? [nullLength] : [lengthOf(field), field])));
}

const isBound = (name: string): boolean =>
  name === 'content-type' || (/^(ce_|dlq_)/.test(name) && name !== 'ce_replayattempt');

const nullLength = Buffer.from('ffffffff', 'hex');

function lengthOf({ length }: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

/** A header that must be there once. */
function single(headers: ReceivedRecord['headers'], wanted: string): string {
  const [first, ...others] = headers.filter(([name]) => name === wanted);
  if (first?.[1] == null || others.length > 0) throw malformed(`the header ${wanted} must be there once`);
  return Buffer.from(first[1]).toString('utf8');
}

function decoded(headers: ReceivedRecord['headers'], name: string, length: number): Buffer {
  const text = single(headers, name);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === length && bytes.toString('base64') === text) return bytes;
  throw malformed(`the header ${name} must be ${length} bytes in base64`);
}

const malformed = (message: string): DecryptionError => new DecryptionError('malformed', message);

const ownHeaderPrefix = 'dlq_own_';

/**
 * An encrypted record that Kafka refused after it had been in the gateway's spool lies in the dead-letter topic as it is,
 * its headers under other names. Returns it as it was to be written; any other record as it came.
 */
export function asWritten(record: ReceivedRecord): ReceivedRecord {
  const { headers } = record;
  const topic = headers.find(([name]) => name === 'dlq_kafka_topic')?.[1];
  if (topic == null || !headers.some(([name]) => name === `${ownHeaderPrefix}enc_algorithm`)) return record;
  const own = headers
    .filter(([name]) => name.startsWith(ownHeaderPrefix))
    .map(([name, value]) => [name.slice(ownHeaderPrefix.length), value] as const);
  return { ...record, topic: Buffer.from(topic).toString('utf8'), headers: own };
}
