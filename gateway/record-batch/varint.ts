/**
 * Varints of Kafka's record format v2: zigzag, least significant group of 7 bits first, as in Protocol Buffers.
 * Everything is done on doubles and 32-bit integers; no BigInt.
 */

/** Most bytes that `writeVarlong` writes for a safe integer. */
export const maxVarlongBytes = 8;

/** Writes a 32-bit signed integer. Returns the end offset. */
export function writeVarint(value: number, target: Uint8Array, offset: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = offset;
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/**
 * Writes a safe integer, for example the difference of two timestamps. Returns the end offset.
 *
 * Zigzag doubles the value, which would leave the safe integers; so the lowest six bits and the sign make the first
 * group, and the rest follows undoubled.
 */
export function writeVarlong(value: number, target: Uint8Array, offset: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return writeVarint(value, target, offset);
  const magnitude = value < 0 ? -value - 1 : value;
  let rest = Math.floor(magnitude / 64);
  let at = offset;
  target[at++] = ((magnitude - rest * 64) * 2 + (value < 0 ? 1 : 0)) | 0x80;
  while (rest > 0x7f) {
    const higher = Math.floor(rest / 128);
    target[at++] = (rest - higher * 128) | 0x80;
    rest = higher;
  }
  target[at++] = rest;
  return at;
}

/**
 * Writes a non-negative integer < 2^(7·width − 1) in exactly `width` bytes, filled up with empty groups, so that a
 * length can be written after what it measures. Readers take such padding (it is legal, if not shortest).
 */
export function writePaddedVarint(value: number, width: number, target: Uint8Array, offset: number): void {
  let rest = value * 2;
  const last = offset + width - 1;
  for (let at = offset; at < last; at++) {
    target[at] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[last] = rest;
}

/** Writes −1, the length of what is null, in exactly `width` bytes. */
export function writePaddedNull(width: number, target: Uint8Array, offset: number): void {
  // Zigzag makes 1 of −1; half of that is what is doubled.
  writePaddedVarint(0.5, width, target, offset);
}

/** Reads varints one after another. */
export class VarintReader {
  readonly #source: Uint8Array;
  offset: number;

  constructor(source: Uint8Array, offset = 0) {
    this.#source = source;
    this.offset = offset;
  }

  /** Reads a safe integer. @throws {RangeError} when the bytes end inside of it. */
  read(): number {
    let byte = this.#next();
    const negative = (byte & 1) === 1;
    let magnitude = (byte & 0x7f) >>> 1;
    for (let weight = 64; byte > 0x7f; weight *= 128) {
      byte = this.#next();
      magnitude += (byte & 0x7f) * weight;
    }
    return negative ? -magnitude - 1 : magnitude;
  }

  #next(): number {
    const byte = this.#source[this.offset];
    if (byte === undefined) throw new RangeError(`no varint at offset ${this.offset}`);
    this.offset += 1;
    return byte;
  }
}
