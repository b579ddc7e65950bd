import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { DataKey, KeyProvider } from '../core/data-keys.ts';
import { writeUint64 } from './encoding.ts';
import { SpoolError } from './errors.ts';
import {
  batchAtOf,
  finishChecksum,
  type ReadFrame,
  type SegmentHeader,
  sealedTagBytes,
  tagEndOf,
  writeKeyBehindTag,
} from './frame-format.ts';
import type { SegmentKey } from './segment-key.ts';

const saltBytes = 16;
const nonceBytes = 12;
/** Segment number and offset of the frame, before the frame's own beginning. */
const placeBytes = 16;
/** From here on a frame's header is authenticated: what is before are its magic, its length and its checksum. */
const authenticatedFrom = 12;

/**
 * Seals and opens the batches in the frames of one segment. The key is the segment's own, derived with a random salt and
 * the segment's number; the nonce is the offset of the frame, where nothing is written twice: after a failed write
 * everything goes into another segment, and segments of earlier processes are only read. Authenticated besides are that
 * place, the whole header of the frame with its topic, and what it repeats of the key, so that no frame can be moved,
 * exchanged or relabelled.
 */
export class SegmentSealing {
  readonly key: SegmentKey;
  readonly #secret: KeyObject;
  readonly #segment: number;
  readonly #nonce = Buffer.alloc(nonceBytes);

  constructor(dataKey: DataKey, segment: number, salt: Uint8Array) {
    this.key = { id: dataKey.id, salt };
    this.#secret = createSecretKey(
      dataKey.derive(salt, `edge-ingest-gateway spool segment 1\0${dataKey.id}\0${segment}`),
    );
    this.#segment = segment;
  }

  /** A sealed copy of a finished frame with room for tag and key, to be written at this offset. */
  seal(frame: Buffer, at: number): Buffer {
    const sealed = Buffer.from(frame);
    const batchAt = batchAtOf(sealed);
    const tagAt = tagEndOf(sealed) - sealedTagBytes;
    writeKeyBehindTag(this.key, sealed);
    const cipher = createCipheriv('aes-256-gcm', this.#secret, this.#nonceOf(at));
    cipher.setAAD(this.#associated(sealed, batchAt, at));
    sealed.set(cipher.update(sealed.subarray(batchAt, tagAt)), batchAt);
    cipher.final();
    sealed.set(cipher.getAuthTag(), tagAt);
    finishChecksum(sealed);
    return sealed;
  }

  /** The batch of a sealed frame; undefined when the frame is not one that was written there. */
  open(frame: Buffer, at: number): Buffer | undefined {
    const batchAt = batchAtOf(frame);
    const tagEnd = tagEndOf(frame);
    const tagAt = tagEnd - sealedTagBytes;
    if (batchAt > tagAt) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#secret, this.#nonceOf(at), {
        authTagLength: sealedTagBytes,
      });
      decipher.setAAD(this.#associated(frame, batchAt, at));
      decipher.setAuthTag(frame.subarray(tagAt, tagEnd));
      return Buffer.concat([decipher.update(frame.subarray(batchAt, tagAt)), decipher.final()]);
    } catch {
      return undefined;
    }
  }

  #nonceOf(at: number): Buffer {
    writeUint64(this.#nonce, at, 4);
    return this.#nonce;
  }

  #associated(frame: Buffer, batchAt: number, at: number): Buffer {
    const place = Buffer.alloc(placeBytes);
    writeUint64(place, this.#segment, 0);
    writeUint64(place, at, 8);
    return Buffer.concat([place, frame.subarray(authenticatedFrom, batchAt), frame.subarray(tagEndOf(frame))]);
  }
}

/** The number that its file is named with, and under which key it is. */
export type SealedSegment = Pick<SegmentHeader, 'segment' | 'key'>;

/** How the segments of a spool are sealed and opened. */
export class SpoolSealing {
  readonly #keys: KeyProvider | undefined;
  /** Whether what is written from now on is sealed. */
  readonly seals: boolean;

  /** @param keys undefined: there are none, and no sealed segment can be read. */
  constructor(keys: KeyProvider | undefined, seals: boolean) {
    if (seals && keys === undefined)
      throw new SpoolError('spool_key_missing', 'spool.encrypted takes encryption.keysFile');
    this.#keys = keys;
    this.seals = seals;
  }

  /** Under the current key; undefined when segments are plain. */
  forNew(segment: number): SegmentSealing | undefined {
    if (!this.seals) return undefined;
    return new SegmentSealing((this.#keys as KeyProvider).current(), segment, randomBytes(saltBytes));
  }

  /** What opens a segment; undefined for a plain one, and for one whose key is not there. */
  find({ segment, key }: SealedSegment): SegmentSealing | undefined {
    const dataKey = key && this.#keys?.byId(key.id);
    return key && dataKey && new SegmentSealing(dataKey, segment, key.salt);
  }

  /** The same for one that must be read. @throws {SpoolError} `spool_key_missing` */
  forExisting(sealed: SealedSegment, name: string): SegmentSealing | undefined {
    const { key } = sealed;
    const found = this.find(sealed);
    if (key === undefined || found !== undefined) return found;
    const remedy = 'put that key back into the file of keys (encryption.keysFile): what is in there was acknowledged';
    throw new SpoolError(
      'spool_key_missing',
      `spool segment ${name} is encrypted under the key "${key.id}": ${remedy}`,
    );
  }
}

/** The batch of a frame, ready to be read. */
export type FrameContent =
  | { readonly batch: Buffer }
  /**
   * `no_key`: it is encrypted under a key that is not there. `keyless`: neither the header of its segment nor a frame says
   * any more under which. `forged`: it is not what was written there.
   */
  | { readonly problem: 'no_key' | 'keyless' | 'forged' };

/**
 * What is in a frame. A plain frame in an encrypted segment is as wrong as the other way round.
 *
 * @param bytes what the frame was read from, from which it lies at `at`.
 * @param offset of the frame in its segment.
 */
export function contentOf(
  frame: ReadFrame,
  bytes: Buffer,
  at: number,
  offset: number,
  segment: { readonly key: SegmentKey | undefined; readonly sealing: SegmentSealing | undefined },
): FrameContent {
  const { key, sealing } = segment;
  if (!frame.isSealed) return key === undefined ? frame : { problem: 'forged' };
  if (sealing === undefined) return { problem: key === undefined ? 'keyless' : 'no_key' };
  const batch = sealing.open(bytes.subarray(at, frame.end), offset);
  return batch === undefined ? { problem: 'forged' } : { batch };
}
