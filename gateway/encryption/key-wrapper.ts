import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { KeysError } from './keys-error.ts';
import { keyBytes } from './secret-key.ts';

/**
 * What keeps master keys, and wraps data keys with them (envelope encryption): a key management service, or a file. Data
 * keys are unwrapped when the file of keys is read, and never on the way of a record.
 */
export interface KeyWrapper {
  /** @param keyId of the data key: bound to what comes out. */
  wrap(dataKey: Uint8Array, keyId: string, masterKeyId: string): Promise<Buffer>;
  /** @throws {KeysError} `keys_wrapped` */
  unwrap(wrapped: Uint8Array, keyId: string, masterKeyId: string): Promise<Buffer>;
}

const nonceBytes = 12;
const tagBytes = 16;

/** Binds a wrapped key to its id and its master key, so that neither can be exchanged in the file. */
const associated = (keyId: string, masterKeyId: string): Buffer =>
  Buffer.from(`edge-ingest-gateway data key 1\0${masterKeyId}\0${keyId}`);

/**
 * Wraps with master keys that are in memory: AES-256-GCM under a random nonce, `nonce (12) ‖ ciphertext (32) ‖ tag (16)`.
 * Random nonces are sound here: a master key wraps a handful of keys, and not 2^32 (NIST SP 800-38D, section 8.3).
 */
export class LocalKeyWrapper implements KeyWrapper {
  readonly #masterKeys: ReadonlyMap<string, Uint8Array>;

  /** @param masterKeys 32 bytes each, by id. */
  constructor(masterKeys: ReadonlyMap<string, Uint8Array>) {
    this.#masterKeys = masterKeys;
  }

  async wrap(dataKey: Uint8Array, keyId: string, masterKeyId: string): Promise<Buffer> {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#masterKey(keyId, masterKeyId), nonce);
    cipher.setAAD(associated(keyId, masterKeyId));
    return Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
  }

  async unwrap(wrapped: Uint8Array, keyId: string, masterKeyId: string): Promise<Buffer> {
    const masterKey = this.#masterKey(keyId, masterKeyId);
    if (wrapped.length !== nonceBytes + keyBytes + tagBytes) {
      throw new KeysError('keys_wrapped', `the key "${keyId}" has ${wrapped.length} bytes wrapped, not 60`);
    }
    const tagAt = wrapped.length - tagBytes;
    try {
      const nonce = wrapped.subarray(0, nonceBytes);
      const decipher = createDecipheriv('aes-256-gcm', masterKey, nonce, { authTagLength: tagBytes });
      decipher.setAAD(associated(keyId, masterKeyId));
      decipher.setAuthTag(wrapped.subarray(tagAt));
      return Buffer.concat([decipher.update(wrapped.subarray(nonceBytes, tagAt)), decipher.final()]);
    } catch {
      const problem = `it was wrapped by another master key than today's "${masterKeyId}", for another id, or was changed`;
      throw new KeysError('keys_wrapped', `the key "${keyId}" can't be unwrapped: ${problem}`);
    }
  }

  #masterKey(keyId: string, masterKeyId: string): Uint8Array {
    const masterKey = this.#masterKeys.get(masterKeyId);
    if (masterKey !== undefined) return masterKey;
    const remedy = 'add it to the file of master keys (encryption.masterKeysFile)';
    throw new KeysError(
      'keys_wrapped',
      `the key "${keyId}" is wrapped by the unknown master key "${masterKeyId}": ${remedy}`,
    );
  }
}
