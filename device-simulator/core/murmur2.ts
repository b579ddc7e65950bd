const m = 0x5bd1e995;
const utf8 = new TextEncoder();

/**
 * MurmurHash2 with the seed of Kafka's Java client (`org.apache.kafka.common.utils.Utils.murmur2`), as a signed 32-bit
 * number. Written from the definition and on purpose not shared with the gateway: a verifier that borrows the code it
 * checks would agree with its mistakes.
 */
export function murmur2(bytes: Uint8Array): number {
  let h = 0x9747b28c ^ bytes.length;
  const whole = bytes.length & ~3;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(view.getInt32(i, true), m);
    k ^= k >>> 24;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  const left = bytes.length - whole;
  if (left > 2) h ^= view.getUint8(whole + 2) << 16;
  if (left > 1) h ^= view.getUint8(whole + 1) << 8;
  if (left > 0) h = Math.imul(h ^ view.getUint8(whole), m);
  h = Math.imul(h ^ (h >>> 13), m);
  return h ^ (h >>> 15);
}

/** The partition of a key as the Java client's default partitioner chooses it: murmur2 without its sign, modulo. */
export const partitionOf = (key: string, partitions: number): number =>
  (murmur2(utf8.encode(key)) & 0x7fff_ffff) % partitions;
