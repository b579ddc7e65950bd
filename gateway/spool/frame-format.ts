import { maskBytes, unmasked, writeMasked } from './batch-mask.ts';
import { checksum, readUint64, writeUint64 } from './encoding.ts';
import { readSegmentKey, type SegmentKey, segmentKeyBytes, writeSegmentKey } from './segment-key.ts';

/**
 * A segment is a header and then frames, one after another, all integers big-endian.
 *
 *     segment header, 32 bytes
 *      0 "EIGSPOOL" · 8 version uint32 (1) · 12 segment number uint64 · 20 number of its first frame uint64
 *     28 CRC32C uint32 of the bytes before
 *
 *     frame
 *      0 "EIGF" · 4 length uint32: bytes of topic and batch · 8 CRC32C uint32 of everything from 12 on
 *     12 frame number uint64 · 20 number of the first frame of its group uint64 · 28 spooled at uint64, ms since 1970
 *     36 records uint32 · 40 uncompressed bytes of the records uint32 · 44 length of the topic uint16 · 46 zero uint16
 *     48 topic, UTF-8 · then a record batch of Kafka's message format v2
 *
 * Behind damage the next frame is looked for by its "EIGF", also within the bytes of broken ones, and devices choose much of
 * what is in these. So a plain batch never lies there with an "EIGF" in it: then the frame has a 3 in the place of the last
 * zero, and its batch is four random bytes and behind these the batch, each byte under the next of the four (XOR).
 *
 * Of an encrypted segment (version 2) the header is longer, and the frames have a 2 in the place of the last zero, the
 * batch encrypted, behind it a tag of 16 bytes, which counts as part of it, and then what the header says of the key: see
 * `frame-sealing.ts`. So each frame can be opened although the disk has lost the header. (Frames with a 1 are of before, and
 * end with the tag.) Headers and topics stay plain, so that what there is can be told without keys; the checksum is over
 * what lies on the disk.
 *
 *     28 key (`segment-key.ts`): salt, 16 bytes · 44 length of the id uint8 · 45 id, 64 bytes · zeros
 *    124 CRC32C uint32 of the bytes before
 *
 * Frames are numbered without gaps through all segments. A group is what was written before one fsync: a frame of a later
 * group proves that everything before its group was once durable, which tells a torn tail from damage.
 */
export const segmentHeaderBytes = 32;
export const sealedHeaderBytes = 128;
/** Of AES-GCM, behind an encrypted batch. */
export const sealedTagBytes = 16;
export const frameHeaderBytes = 48;
export const formatVersion = 1;
export const sealedVersion = 2;
const segmentMagic = Buffer.from('EIGSPOOL');
const frameMagic = Buffer.from('EIGF');
const frameMagicNumber = frameMagic.readUInt32BE();
const checksummedFrom = 12;
const keyInHeaderAt = 28;
/** In the place of a plain frame's zero. */
const sealedMark = 2;
/** Of before: there is no key behind the tag. */
const keylessMark = 1;
/** Of a plain frame whose batch lies there under a mask (`batch-mask.ts`). */
const maskedMark = 3;
/** Behind the ciphertext of a batch: tag and key. */
const sealedTailBytes = sealedTagBytes + segmentKeyBytes;
/** A length beyond this is not one of ours. */
export const maxBodyBytes = 256 * 1024 * 1024;

export interface SegmentHeader {
  readonly segment: number;
  readonly firstFrame: number;
  /** Undefined: its frames are plain. */
  readonly key?: SegmentKey | undefined;
}

/** Bytes of the header, and so where the first frame begins. */
export const headerBytesOf = ({ key }: Pick<SegmentHeader, 'key'>): number =>
  key === undefined ? segmentHeaderBytes : sealedHeaderBytes;

export interface FrameHeader {
  readonly number: number;
  readonly groupFirst: number;
  readonly spooledAtMs: number;
  readonly records: number;
  readonly rawBytes: number;
}

export interface ReadFrame extends FrameHeader {
  readonly topic: string;
  /** A view into what was read, or a copy of what was masked. Of an encrypted frame ciphertext and tag. */
  readonly batch: Buffer;
  readonly isSealed: boolean;
  /** Where the batch ends, and with it the tag of an encrypted one. */
  readonly tagEnd: number;
  /** Where the next frame begins. */
  readonly end: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const { segment, firstFrame, key } = header;
  const bytes = Buffer.alloc(headerBytesOf(header));
  segmentMagic.copy(bytes);
  bytes.writeUInt32BE(key === undefined ? formatVersion : sealedVersion, 8);
  writeUint64(bytes, segment, 12);
  writeUint64(bytes, firstFrame, 20);
  if (key !== undefined) writeSegmentKey(key, bytes, keyInHeaderAt);
  const checksumAt = bytes.length - 4;
  bytes.writeUInt32BE(checksum(bytes.subarray(0, checksumAt)), checksumAt);
  return bytes;
}

/** @returns undefined when the bytes are no complete, undamaged header of a version that is known. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes || bytes.compare(segmentMagic, 0, 8, 0, 8) !== 0) return undefined;
  const version = bytes.readUInt32BE(8);
  if (version !== formatVersion && version !== sealedVersion) return undefined;
  const end = version === formatVersion ? segmentHeaderBytes : sealedHeaderBytes;
  if (bytes.length < end || bytes.readUInt32BE(end - 4) !== checksum(bytes.subarray(0, end - 4))) return undefined;
  const place = { segment: readUint64(bytes, 12), firstFrame: readUint64(bytes, 20) };
  return version === formatVersion ? place : { ...place, key: readSegmentKey(bytes, keyInHeaderAt) };
}

/**
 * Lays out a frame. Its group and its checksum are set by `finishFrame`, when it is known what it is written with.
 *
 * @param sealed leaves room for what is behind a batch that is encrypted when it is written.
 */
export function layOutFrame(
  header: Omit<FrameHeader, 'groupFirst'>,
  topic: Buffer,
  batch: Uint8Array,
  sealed = false,
): Buffer {
  const isMasked = !sealed && Buffer.from(batch.buffer, batch.byteOffset, batch.length).includes(frameMagic);
  const bodyBytes = topic.length + batch.length + (sealed ? sealedTailBytes : isMasked ? maskBytes : 0);
  const bytes = Buffer.allocUnsafeSlow(frameHeaderBytes + bodyBytes);
  frameMagic.copy(bytes);
  bytes.writeUInt32BE(bodyBytes, 4);
  writeUint64(bytes, header.number, 12);
  writeUint64(bytes, header.spooledAtMs, 28);
  bytes.writeUInt32BE(header.records, 36);
  bytes.writeUInt32BE(header.rawBytes, 40);
  bytes.writeUInt16BE(topic.length, 44);
  bytes.writeUInt16BE(sealed ? sealedMark : isMasked ? maskedMark : 0, 46);
  topic.copy(bytes, frameHeaderBytes);
  const batchAt = frameHeaderBytes + topic.length;
  if (isMasked) writeMasked(batch, bytes, batchAt, frameMagic);
  else bytes.set(batch, batchAt);
  return bytes;
}

export function finishFrame(bytes: Buffer, groupFirst: number): void {
  writeUint64(bytes, groupFirst, 20);
  finishChecksum(bytes);
}

export function finishChecksum(bytes: Buffer): void {
  bytes.writeUInt32BE(checksum(bytes.subarray(checksummedFrom)), 8);
}

/** Where the batch of a frame begins. */
export const batchAtOf = (bytes: Buffer): number => frameHeaderBytes + bytes.readUInt16BE(44);

/** Where the tag of an encrypted frame ends, and in most the key begins. */
export const tagEndOf = (bytes: Buffer): number => bytes.length - keyBytesOf(bytes.readUInt16BE(46));

/** Writes behind the tag what the header of the frame's segment says of its key. */
export const writeKeyBehindTag = (key: SegmentKey, bytes: Buffer): void => writeSegmentKey(key, bytes, tagEndOf(bytes));

/** What an undamaged frame says of the key of its segment; undefined for a plain one, and for one of before. */
export function keyInFrame(bytes: Buffer, { isSealed, tagEnd, end }: ReadFrame): SegmentKey | undefined {
  return isSealed && end - tagEnd === segmentKeyBytes ? readSegmentKey(bytes, tagEnd) : undefined;
}

const keyBytesOf = (mark: number): number => (mark === sealedMark ? segmentKeyBytes : 0);

/** The batch inside of a laid out frame, without room for what is behind it when it is encrypted: a view where it can be. */
export function batchOf(bytes: Buffer): Buffer {
  const mark = bytes.readUInt16BE(46);
  const batch = bytes.subarray(batchAtOf(bytes), bytes.length - (mark === sealedMark ? sealedTailBytes : 0));
  return mark === maskedMark ? unmasked(batch) : batch;
}

/** Bytes of the whole frame at `at`, as its length says; −1 when there is no frame's beginning. Checks nothing else. */
export function frameLengthAt(bytes: Buffer, at: number): number {
  if (at + frameHeaderBytes > bytes.length || bytes.readUInt32BE(at) !== frameMagicNumber) return -1;
  const body = bytes.readUInt32BE(at + 4);
  return body > maxBodyBytes ? -1 : frameHeaderBytes + body;
}

/** The frame at `at`, or undefined when the bytes there are no complete, undamaged frame. */
export function decodeFrame(bytes: Buffer, at: number): ReadFrame | undefined {
  const length = frameLengthAt(bytes, at);
  if (length < 0 || at + length > bytes.length) return undefined;
  if (bytes.readUInt32BE(at + 8) !== checksum(bytes.subarray(at + checksummedFrom, at + length))) return undefined;
  const mark = bytes.readUInt16BE(at + 46);
  const topicAt = at + frameHeaderBytes;
  const batchAt = topicAt + bytes.readUInt16BE(at + 44);
  const end = at + length;
  const tagEnd = end - keyBytesOf(mark);
  const isMasked = mark === maskedMark;
  if (batchAt + (isMasked ? maskBytes : 0) > tagEnd) return undefined;
  const batch = bytes.subarray(batchAt, tagEnd);
  return {
    number: readUint64(bytes, at + 12),
    groupFirst: readUint64(bytes, at + 20),
    spooledAtMs: readUint64(bytes, at + 28),
    records: bytes.readUInt32BE(at + 36),
    rawBytes: bytes.readUInt32BE(at + 40),
    topic: bytes.toString('utf8', topicAt, batchAt),
    batch: isMasked ? unmasked(batch) : batch,
    isSealed: mark === sealedMark || mark === keylessMark,
    tagEnd,
    end,
  };
}

/** The first undamaged frame at or behind `from`, after bytes that are none. @param decode may demand more of a frame. */
export function findFrame(
  bytes: Buffer,
  from: number,
  decode: (bytes: Buffer, at: number) => ReadFrame | undefined = decodeFrame,
): { readonly at: number; readonly frame: ReadFrame } | undefined {
  for (let at = bytes.indexOf(frameMagic, from); at >= 0; at = bytes.indexOf(frameMagic, at + 1)) {
    const frame = decode(bytes, at);
    if (frame !== undefined) return { at, frame };
  }
  return undefined;
}
