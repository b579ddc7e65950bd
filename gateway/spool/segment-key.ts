import { maxKeyIdBytes } from '../core/data-keys.ts';

/** Under which key a segment is encrypted. */
export interface SegmentKey {
  readonly id: string;
  /** 16 bytes. */
  readonly salt: Uint8Array;
}

const saltBytes = 16;
const idAt = saltBytes + 1;

/** In the header of a segment, and once more in each of its frames: salt · length of the id uint8 · id, then zeros. */
export const segmentKeyBytes = idAt + maxKeyIdBytes;

export function writeSegmentKey({ id, salt }: SegmentKey, bytes: Buffer, at: number): void {
  bytes.fill(0, at, at + segmentKeyBytes);
  bytes.set(salt, at);
  bytes[at + saltBytes] = bytes.write(id, at + idAt, maxKeyIdBytes, 'latin1');
}

export function readSegmentKey(bytes: Buffer, at: number): SegmentKey {
  const id = bytes.toString('latin1', at + idAt, at + idAt + (bytes[at + saltBytes] as number));
  return { id, salt: Uint8Array.from(bytes.subarray(at, at + saltBytes)) };
}
