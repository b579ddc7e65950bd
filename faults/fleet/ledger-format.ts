import { mix32 } from '../../device-simulator/core/random.ts';

/**
 * The ledger's file: a header, then entries of one size, in the order in which things happened. It is only ever appended
 * to, so that after `kill -9` everything but a torn last entry can be read. All numbers are little endian.
 *
 *     header (32 bytes)   "EDGELGR1", run id (u32), vehicles (u32), start in ms since the epoch (f64), 8 × 0
 *     entry  (16 bytes)   device (u32), sequence (u32), ms since the start (u32), kind (u8), code (u8), check (u16)
 *
 * An entry of the kind `content` has no time: in its place stands the checksum of what the message says.
 */
export const headerBytes = 32;
export const entryBytes = 16;
const magic = Buffer.from('EDGELGR1');

export const entryKinds = {
  /** Made invalid on purpose; entered before it is sent. */
  invalid: 1,
  /** About to be written to the socket for the first time. */
  sent: 2,
  /** About to be written again, after a connection was lost. */
  sentAgain: 3,
  /** PUBACK, or PUBREC for QoS 2. */
  acknowledged: 4,
  /** The same with a reason code of 0x80 or more, which is the entry's code. */
  rejected: 5,
  /** What the message says, as a checksum; entered before it is sent. */
  content: 6,
  /** About to be written to the socket at QoS 0: nobody will answer it, and it is never written again. */
  sentOnce: 7,
} as const;
export type EntryKind = (typeof entryKinds)[keyof typeof entryKinds];

export interface LedgerHeader {
  /** Of the fleet: with the number of vehicles it gives the ids of all devices and their boots. */
  readonly runId: number;
  readonly vehicles: number;
  readonly startedAtMs: number;
}

export interface LedgerEntry {
  /** Position in the fleet. */
  readonly device: number;
  readonly sequence: number;
  /** Milliseconds since the epoch; 0 for `content`. */
  readonly atMs: number;
  readonly kind: EntryKind;
  readonly code: number;
  /** The checksum of an entry of the kind `content`, else 0. */
  readonly content: number;
}

export function encodeHeader({ runId, vehicles, startedAtMs }: LedgerHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  magic.copy(bytes);
  bytes.writeUInt32LE(runId, 8);
  bytes.writeUInt32LE(vehicles, 12);
  bytes.writeDoubleLE(startedAtMs, 16);
  return bytes;
}

/** Undefined when the bytes do not begin a ledger. */
export function decodeHeader(bytes: Buffer): LedgerHeader | undefined {
  if (bytes.length < headerBytes || !bytes.subarray(0, magic.length).equals(magic)) return undefined;
  return {
    runId: bytes.readUInt32LE(8),
    vehicles: bytes.readUInt32LE(12),
    startedAtMs: bytes.readDoubleLE(16),
  };
}

/** Writes one entry at `offset`. `value`: milliseconds since the start, a whole number; for `content` the checksum. */
export function writeEntry(
  bytes: Buffer,
  offset: number,
  device: number,
  sequence: number,
  value: number,
  kind: EntryKind,
  code: number,
): void {
  bytes.writeUInt32LE(device, offset);
  bytes.writeUInt32LE(sequence, offset + 4);
  bytes.writeUInt32LE(value, offset + 8);
  bytes[offset + 12] = kind;
  bytes[offset + 13] = code;
  bytes.writeUInt16LE(check(device, sequence, value, kind, code), offset + 14);
}

/** The entry at `offset`, or undefined when what is there is not a whole one. */
export function readEntry(bytes: Buffer, offset: number, startedAtMs: number): LedgerEntry | undefined {
  const device = bytes.readUInt32LE(offset);
  const sequence = bytes.readUInt32LE(offset + 4);
  const value = bytes.readUInt32LE(offset + 8);
  const kind = bytes[offset + 12] as number;
  const code = bytes[offset + 13] as number;
  if (!isKind(kind) || bytes.readUInt16LE(offset + 14) !== check(device, sequence, value, kind, code)) {
    return undefined;
  }
  const isContent = kind === entryKinds.content;
  return {
    ...{ device, sequence, kind, code },
    atMs: isContent ? 0 : startedAtMs + value,
    content: isContent ? value : 0,
  };
}

const isKind = (value: number): value is EntryKind => value >= entryKinds.invalid && value <= entryKinds.sentOnce;

const check = (device: number, sequence: number, value: number, kind: number, code: number): number =>
  mix32(mix32(mix32(device + 1) ^ sequence) ^ value ^ (kind << 24) ^ (code << 16)) & 0xffff;
