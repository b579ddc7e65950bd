import { crc32c } from '@platformatic/kafka';

/** CRC32C, uint32. */
export function checksum(bytes: Buffer): number {
  return crc32c(bytes) >>> 0;
}

/** Of a safe integer; no BigInt. */
export function writeUint64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value >>> 0, at + 4);
}

export function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
