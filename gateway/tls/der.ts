import { CodedError } from '../core/coded-error.ts';

/** The bytes are not what they should be. */
export class DerError extends CodedError<'malformed_der'> {
  override readonly name = 'DerError';

  constructor(what: string) {
    super('malformed_der', what);
  }
}

export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific 0, constructed: the version of a certificate, the extensions of a revocation list. */
  explicit0: 0xa0,
} as const;

/** One element: where it begins with its tag, where its content does, and where both end. */
export interface DerElement {
  readonly tag: number;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

/**
 * Reads elements of DER (X.690) one after the other. Knows definite lengths only, which is all that DER has, and never
 * looks beyond its end.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#end;
  }

  /** Tag of the next element; −1 at the end. */
  get nextTag(): number {
    return this.isAtEnd ? -1 : (this.#bytes[this.#offset] as number);
  }

  /** The next element. @throws {DerError} when it is cut off, or has another tag than `tag`. */
  next(tag?: number): DerElement {
    const start = this.#offset;
    if (start + 2 > this.#end) throw new DerError('an element is cut off');
    const found = this.#bytes[start] as number;
    if (tag !== undefined && found !== tag) throw new DerError(`tag ${found} where ${tag} is needed`);
    const { length, contentStart } = this.#length(start + 1);
    const end = contentStart + length;
    if (end > this.#end) throw new DerError('an element is longer than what it is in');
    this.#offset = end;
    return { tag: found, start, contentStart, end };
  }

  /** The next element if it has this tag. */
  take(tag: number): DerElement | undefined {
    return this.nextTag === tag ? this.next() : undefined;
  }

  /** A reader of what is in the next element. */
  enter(tag: number): DerReader {
    const { contentStart, end } = this.next(tag);
    return new DerReader(this.#bytes, contentStart, end);
  }

  content({ contentStart, end }: DerElement): Uint8Array {
    return this.#bytes.subarray(contentStart, end);
  }

  whole({ start, end }: DerElement): Uint8Array {
    return this.#bytes.subarray(start, end);
  }

  /** Section 8.1.3. */
  #length(offset: number): { readonly length: number; readonly contentStart: number } {
    const first = this.#bytes[offset] as number;
    if (first < 0x80) return { length: first, contentStart: offset + 1 };
    const count = first & 0x7f;
    if (count === 0 || count > 4 || offset + 1 + count > this.#end)
      throw new DerError('a length that DER does not have');
    let length = 0;
    for (let i = 1; i <= count; i += 1) length = length * 256 + (this.#bytes[offset + i] as number);
    return { length, contentStart: offset + 1 + count };
  }
}
