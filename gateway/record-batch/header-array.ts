import { VarintReader } from './varint.ts';

/** @param headers a header array. Keys and values in their order; a key may occur more than once. */
export function headersOf(headers: Buffer): [key: string, value: Buffer | null][] {
  const reader = new VarintReader(headers);
  return Array.from({ length: reader.read() }, () => [
    readBytes(headers, reader, headers.length)?.toString() ?? '',
    readBytes(headers, reader, headers.length),
  ]);
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
