const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

/**
 * MurmurHash2 exactly as in Kafka's Java client (`org.apache.kafka.common.utils.Utils.murmur2`), as a 32-bit signed
 * integer over the first `length` bytes.
 */
export function murmur2(bytes: Uint8Array, length: number): number {
  let hash = seed ^ length;
  let at = 0;
  for (const end = length - 3; at < end; at += 4) {
    let word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  const left = length - at;
  if (left > 0) {
    if (left === 3) hash ^= (bytes[at + 2] as number) << 16;
    if (left >= 2) hash ^= (bytes[at + 1] as number) << 8;
    hash = Math.imul(hash ^ (bytes[at] as number), multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}

/** The partition of a keyed record, as Java's `BuiltInPartitioner.partitionForKey`. `keyLength` may be `emptyKey`. */
export function partitionForKey(key: Uint8Array, keyLength: number, partitions: number): number {
  return (murmur2(key, Math.max(0, keyLength)) & 0x7fffffff) % partitions;
}
