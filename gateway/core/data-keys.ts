/** A key that data is encrypted under. What it is made of never leaves it: whoever encrypts works with keys derived from it. */
export interface DataKey {
  /** Names the key for ever: 1 to 64 letters, digits, `.`, `_` or `-`. */
  readonly id: string;
  /**
   * A key of 32 bytes of its own for one use: HKDF with SHA-256 (RFC 5869) over this key.
   *
   * @param salt makes it another one than those of all other uses: random, 16 bytes.
   * @param info what it is for.
   */
  derive(salt: Uint8Array, info: string): Uint8Array;
}

/** Where keys come from: a file, or whatever keeps them. Synchronous: keys are fetched and unwrapped ahead of their use. */
export interface KeyProvider {
  /** What is encrypted from now on is encrypted under this one. */
  current(): DataKey;
  /** Any that something may still be encrypted under; undefined: not known here. */
  byId(id: string): DataKey | undefined;
}

/** Longest id of a key, in bytes. */
export const maxKeyIdBytes = 64;
