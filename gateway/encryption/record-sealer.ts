import { createCipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { DataKey } from '../core/data-keys.ts';
import { fixedBytes, writeBytes, writeOwnHeader, writeOwnKey } from '../core/headers/header-writer.ts';
import { AssociatedData } from './associated-data.ts';

/** What is in the header `enc_algorithm`; stands for everything that docs/encryption.md says about the layout. */
export const recordAlgorithm = 'A256GCM-HKDF-S256-1';
export const saltBytes = 16;
export const nonceBytes = 12;
export const tagBytes = 16;
/** enc_algorithm, enc_key_id, enc_salt, enc_nonce. */
export const sealedHeaders = 4;
/** More than a sealed record takes beyond the plain one: tag, headers, and their count. */
export const sealingOverheadBytes = 256;
/** Base64 of a nonce, without padding as 12 bytes need none, and the varint of its length. */
const nonceTextBytes = 16;

/** Records that are sealed under one derived key: NIST SP 800-38D, section 8.3, allows 2^32 for nonces of any making. */
export const maxRecordsPerKey = 2 ** 32;

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

/**
 * Seals records under a key of its own, derived from a data key with a salt that was drawn for it alone. So its nonces
 * need only differ from each other, and they count: the deterministic construction of NIST SP 800-38D, section 8.2.1, with
 * a fixed field of zeros, as nobody else has the key. A process has one sealer for each data key that it writes under, and
 * another for what it finds plain in its spool.
 */
export class RecordSealer {
  readonly keyId: string;
  readonly #key: KeyObject;
  readonly #maxRecords: number;
  readonly #nonce = Buffer.alloc(nonceBytes);
  /** Everything of the four headers but the text of the nonce. */
  readonly #headers: Uint8Array;
  readonly #associated: AssociatedData;
  #records = 0;

  /** @param maxRecords for tests; a sealer beyond it refuses. */
  constructor(dataKey: DataKey, maxRecords = maxRecordsPerKey) {
    const salt = randomBytes(saltBytes);
    this.keyId = dataKey.id;
    this.#key = createSecretKey(dataKey.derive(salt, `${recordAlgorithm}\0${dataKey.id}`));
    this.#maxRecords = maxRecords;
    this.#associated = new AssociatedData(recordAlgorithm, dataKey.id);
    this.#headers = fixedBytes((target) => {
      let at = writeOwnHeader('enc_algorithm', recordAlgorithm, target, 0);
      at = writeOwnHeader('enc_key_id', dataKey.id, target, at);
      at = writeOwnHeader('enc_salt', salt.toString('base64'), target, at);
      at = writeOwnKey('enc_nonce', target, at);
      // A zigzag varint of one byte.
      target[at++] = nonceTextBytes * 2;
      return at;
    });
  }

  /** All nonces are used: another one is needed. */
  get isSpent(): boolean {
    return this.#records >= this.#maxRecords;
  }

  /**
   * Encrypts `target[from, to)` in place, and writes the tag behind it. `target` must have room for that.
   *
   * @param key of the record; empty: none.
   * @param headers the record's header array, from `headers[0]` on.
   * @returns the end offset.
   */
  seal(topic: string, key: string, headers: Uint8Array, target: Uint8Array, from: number, to: number): number {
    if (this.isSpent) throw new RangeError('every nonce under this key has been used');
    // A nonce is spent with the attempt, whatever comes of it.
    this.#nonce.writeUInt32BE(Math.floor(this.#records / 2 ** 32), 4);
    this.#nonce.writeUInt32BE(this.#records >>> 0, 8);
    this.#records += 1;
    const cipher = createCipheriv('aes-256-gcm', this.#key, this.#nonce);
    cipher.setAAD(this.#associated.of(topic, key, headers));
    target.set(cipher.update(target.subarray(from, to)), from);
    // GCM is a stream cipher: nothing is left for the end.
    cipher.final();
    target.set(cipher.getAuthTag(), to);
    return to + tagBytes;
  }

  /** Writes the headers of what was sealed last. Returns the end offset, which may lie past the end of `target`. */
  writeHeaders(target: Uint8Array, offset: number): number {
    let at = writeBytes(this.#headers, target, offset);
    const nonce = this.#nonce;
    for (let i = 0; i < nonceBytes; i += 3) {
      const triple = ((nonce[i] as number) << 16) | ((nonce[i + 1] as number) << 8) | (nonce[i + 2] as number);
      for (let shift = 18; shift >= 0; shift -= 6) target[at++] = alphabet[(triple >> shift) & 0x3f] as number;
    }
    return at;
  }
}
