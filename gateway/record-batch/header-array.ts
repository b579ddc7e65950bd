import { VarintReader } from './varint.ts';

/** @param headers a header array. Keys and values in their order; a key may occur more than once. */
export function headersOf(headers: Buffer): [key: string, value: Buffer | null][] {
  const reader = new VarintReader(headers);
  return Array.from({ length: reader.read() }, () => [
    readBytes(headers, reader, headers.length)?.toString() ?? '',
    readBytes(headers, reader, headers.length),
  ]);
}

/** Whether a header array has a header of this name. Makes nothing of the others. */
export function hasHeader(headers: Uint8Array, name: Uint8Array): boolean {
  const reader = new VarintReader(headers);
  for (let rest = reader.read(); rest > 0; rest--) {
    const length = reader.read();
    const at = reader.offset;
    if (length === name.length && startsWith(headers, at, name)) return true;
    reader.offset = at + length;
    const valueLength = reader.read();
    reader.offset += Math.max(0, valueLength);
  }
  return false;
}

function startsWith(bytes: Uint8Array, at: number, beginning: Uint8Array): boolean {
  for (let i = 0; i < beginning.length; i++) if (bytes[at + i] !== beginning[i]) return false;
  return true;
}

/** Reads a length and as many bytes, where they are; null for a negative length. @throws {RangeError} past `end`. */
export function readBytes(bytes: Buffer, reader: VarintReader, end: number): Buffer | null {
  const length = reader.read();
  if (length < 0) return null;
  const from = reader.offset;
  if (from + length > end) throw new RangeError(`${length} bytes at ${from}`);
  reader.offset = from + length;
  return bytes.subarray(from, from + length);
}
