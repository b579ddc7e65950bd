/** Castagnoli's polynomial, its bits reversed (RFC 3309, appendix). */
const polynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ polynomial;
  return value;
});

/** CRC32C of bytes, those from `zeroedFrom` to `zeroedTo` taken as zero: a checksum does not cover itself. */
export function crc32cWithout(bytes: Uint8Array, zeroedFrom: number, zeroedTo: number): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = i >= zeroedFrom && i < zeroedTo ? 0 : (bytes[i] as number);
    crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] as number);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
