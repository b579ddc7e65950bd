import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { DataKey } from '../core/data-keys.ts';

/** Bytes of every key: AES-256, and what HKDF with SHA-256 is given and makes. */
export const keyBytes = 32;

/** A data key in this process's memory. A `KeyObject` holds it, which neither a log nor JSON shows. */
export class SecretKey implements DataKey {
  readonly id: string;
  readonly #key: KeyObject;

  /** @param bytes 32 of them; copied. */
  constructor(id: string, bytes: Uint8Array) {
    this.id = id;
    this.#key = createSecretKey(bytes);
  }

  derive(salt: Uint8Array, info: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#key, salt, info, keyBytes));
  }

  /** Whether it is the same key, not just of the same id. */
  equals(other: SecretKey): boolean {
    return this.#key.equals(other.#key);
  }
}
