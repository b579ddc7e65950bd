import { crc32c } from '@platformatic/kafka';

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
 * Frames are numbered without gaps through all segments. A group is what was written before one fsync: a frame of a later
 * group proves that everything before its group was once durable, which tells a torn tail from damage.
 */
export const segmentHeaderBytes = 32;
export const frameHeaderBytes = 48;
export const formatVersion = 1;
const segmentMagic = Buffer.from('EIGSPOOL');
const frameMagic = Buffer.from('EIGF');
const frameMagicNumber = frameMagic.readUInt32BE();
const checksummedFrom = 12;
/** A length beyond this is not one of ours. */
export const maxBodyBytes = 256 * 1024 * 1024;

export interface SegmentHeader {
  readonly segment: number;
  readonly firstFrame: number;
}

export interface FrameHeader {
  readonly number: number;
  readonly groupFirst: number;
  readonly spooledAtMs: number;
  readonly records: number;
  readonly rawBytes: number;
}

export interface ReadFrame extends FrameHeader {
  readonly topic: string;
  /** A view into what was read. */
  readonly batch: Buffer;
  /** Where the next frame begins. */
  readonly end: number;
}

export function encodeSegmentHeader({ segment, firstFrame }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  segmentMagic.copy(bytes);
  bytes.writeUInt32BE(formatVersion, 8);
  writeUint64(bytes, segment, 12);
  writeUint64(bytes, firstFrame, 20);
  bytes.writeUInt32BE(checksum(bytes.subarray(0, 28)), 28);
  return bytes;
}

/** @returns undefined when the bytes are no complete, undamaged header of this version. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes || bytes.compare(segmentMagic, 0, 8, 0, 8) !== 0) return undefined;
  if (bytes.readUInt32BE(8) !== formatVersion) return undefined;
  if (bytes.readUInt32BE(28) !== checksum(bytes.subarray(0, 28))) return undefined;
  return { segment: readUint64(bytes, 12), firstFrame: readUint64(bytes, 20) };
}

/** Lays out a frame. Its group and its checksum are set by `finishFrame`, when it is known what it is written with. */
export function layOutFrame(header: Omit<FrameHeader, 'groupFirst'>, topic: Buffer, batch: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafeSlow(frameHeaderBytes + topic.length + batch.length);
  frameMagic.copy(bytes);
  bytes.writeUInt32BE(topic.length + batch.length, 4);
  writeUint64(bytes, header.number, 12);
  writeUint64(bytes, header.spooledAtMs, 28);
  bytes.writeUInt32BE(header.records, 36);
  bytes.writeUInt32BE(header.rawBytes, 40);
  bytes.writeUInt16BE(topic.length, 44);
  bytes.writeUInt16BE(0, 46);
  topic.copy(bytes, frameHeaderBytes);
  bytes.set(batch, frameHeaderBytes + topic.length);
  return bytes;
}

export function finishFrame(bytes: Buffer, groupFirst: number): void {
  writeUint64(bytes, groupFirst, 20);
  bytes.writeUInt32BE(checksum(bytes.subarray(checksummedFrom)), 8);
}

/** The batch inside of a laid out frame: a view. */
export function batchOf(bytes: Buffer): Buffer {
  return bytes.subarray(frameHeaderBytes + bytes.readUInt16BE(44));
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
  const topicLength = bytes.readUInt16BE(at + 44);
  const topicAt = at + frameHeaderBytes;
  return {
    number: readUint64(bytes, at + 12),
    groupFirst: readUint64(bytes, at + 20),
    spooledAtMs: readUint64(bytes, at + 28),
    records: bytes.readUInt32BE(at + 36),
    rawBytes: bytes.readUInt32BE(at + 40),
    topic: bytes.toString('utf8', topicAt, topicAt + topicLength),
    batch: bytes.subarray(topicAt + topicLength, at + length),
    end: at + length,
  };
}

/** The first undamaged frame at or behind `from`, after bytes that are none. */
export function findFrame(bytes: Buffer, from: number): { readonly at: number; readonly frame: ReadFrame } | undefined {
  for (let at = bytes.indexOf(frameMagic, from); at >= 0; at = bytes.indexOf(frameMagic, at + 1)) {
    const frame = decodeFrame(bytes, at);
    if (frame !== undefined) return { at, frame };
  }
  return undefined;
}

function checksum(bytes: Buffer): number {
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
