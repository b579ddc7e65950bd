import { randomBytes } from 'node:crypto';

export const maskBytes = 4;

/**
 * Writes a mask and behind it `batch` under it, from `at` on, so that `magic` is nowhere in what is written. The mask is
 * random: who wrote what is in the batch cannot have foreseen it.
 */
export function writeMasked(batch: Uint8Array, bytes: Buffer, at: number, magic: Buffer): void {
  const written = bytes.subarray(at, at + maskBytes + batch.length);
  do {
    randomBytes(maskBytes).copy(written);
    for (let i = 0; i < batch.length; i += 1)
      written[maskBytes + i] = (batch[i] as number) ^ (written[i & 3] as number);
  } while (written.includes(magic));
}

/** The batch of which `written` holds mask and masked bytes: a copy. */
export function unmasked(written: Buffer): Buffer {
  const batch = Buffer.allocUnsafeSlow(written.length - maskBytes);
  for (let i = 0; i < batch.length; i += 1) batch[i] = (written[maskBytes + i] as number) ^ (written[i & 3] as number);
  return batch;
}
