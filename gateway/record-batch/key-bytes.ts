/** Length of a key that is there and has no bytes, as opposed to 0: no key. */
export const emptyKey = -1;

/** Holds the UTF-8 bytes of the record key at hand, so that hashing and writing share one encoding of it. */
export class KeyBytes {
  bytes = Buffer.allocUnsafe(1024);

  /** Encodes a key into `bytes`. Returns its length. */
  encode(key: string): number {
    const length = key.length;
    // UTF-16 code units take up to three bytes each in UTF-8.
    if (length * 3 > this.bytes.length) this.bytes = Buffer.allocUnsafe(length * 3);
    const { bytes } = this;
    for (let i = 0; i < length; i++) {
      const unit = key.charCodeAt(i);
      if (unit > 0x7f) return bytes.write(key, 0, 'utf8');
      bytes[i] = unit;
    }
    return length;
  }
}
