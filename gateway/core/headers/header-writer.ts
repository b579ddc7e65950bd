import type { HeaderName } from './record-headers.ts';
import { utf8Length, writeUtf8 } from './utf8.ts';

/**
 * The header array of Kafka's record format v2: a zigzag varint count, then for each header a varint length, the key, a
 * varint length and the value. All writers return the end offset; see `utf8.ts` for what happens past the end.
 */

/** Writes a non-negative length or count, < 2^30, as a zigzag varint. */
export function writeLength(length: number, target: Uint8Array, offset: number): number {
  let rest = length * 2;
  let at = offset;
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/** Writes the length and the bytes of a key or a value. */
export function writeText(text: string, target: Uint8Array, offset: number): number {
  const length = text.length;
  const start = writeLength(length, target, offset);
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return writeUtf8(text, target, writeLength(utf8Length(text), target, offset));
    target[start + i] = unit;
  }
  return start + length;
}

/** Writes one header. */
export function writeHeader(key: string, value: string, target: Uint8Array, offset: number): number {
  return writeText(value, target, writeText(key, target, offset));
}

/** Writes a header of the gateway's own: the compiler refuses a name that `record-headers.ts` does not explain. */
export const writeOwnHeader: (key: HeaderName, value: string, target: Uint8Array, offset: number) => number =
  writeHeader;

/** Writes the key of such a header alone. */
export const writeOwnKey: (key: HeaderName, target: Uint8Array, offset: number) => number = writeText;

/** The length of what is null: −1, as a zigzag varint. */
const oneNull = new Uint8Array([1]);

/** Writes one header whose value may be any bytes, or null. */
export function writeRawHeader(key: string, value: Uint8Array | null, target: Uint8Array, offset: number): number {
  const at = writeText(key, target, offset);
  if (value === null) return writeBytes(oneNull, target, at);
  return writeBytes(value, target, writeLength(value.length, target, at));
}

/** Copies bytes that were written before; nothing when they do not fit. */
export function writeBytes(bytes: Uint8Array, target: Uint8Array, offset: number): number {
  const end = offset + bytes.length;
  if (end <= target.length) target.set(bytes, offset);
  return end;
}

/** The end offset, or a negative number when it lies past the end of `target`, as `RecordEncoder` wants it. */
export function fitted(end: number, target: Uint8Array): number {
  return end > target.length ? -1 : end;
}

/** A part of the header array that never changes, written once. */
export function fixedBytes(write: (target: Uint8Array) => number): Uint8Array {
  for (let size = 256; ; size *= 2) {
    const target = new Uint8Array(size);
    const end = write(target);
    if (end <= size) return target.slice(0, end);
  }
}
