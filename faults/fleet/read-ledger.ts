import { open } from 'node:fs/promises';
import {
  decodeHeader,
  entryBytes,
  headerBytes,
  type LedgerEntry,
  type LedgerHeader,
  readEntry,
} from './ledger-format.ts';

/** A ledger that cannot be judged by. */
export class LedgerError extends Error {
  readonly code = 'unusable_ledger';

  constructor(message: string) {
    super(message);
    this.name = 'LedgerError';
  }
}

export interface LedgerReading {
  readonly header: LedgerHeader;
  readonly entries: number;
  /** Bytes after the last whole entry: what was being written when the fleet was killed. */
  readonly tornBytes: number;
}

/** Told the header, then every entry in the order in which things happened. */
export interface LedgerVisitor {
  begin(header: LedgerHeader): void;
  entry(entry: LedgerEntry): void;
}

const chunkBytes = 65_536 * entryBytes;

/**
 * Reads a ledger, in chunks, up to the size that it has now; its fleet may still be writing. A last entry that is not
 * whole is left out.
 *
 * @throws {LedgerError} when it is not a ledger, or is damaged anywhere but at its end
 */
export async function readLedger(path: string, visitor: LedgerVisitor): Promise<LedgerReading> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const buffer = Buffer.alloc(chunkBytes);
  await file.read(buffer, 0, headerBytes, 0);
  const header = size < headerBytes ? undefined : decodeHeader(buffer);
  if (!header) throw new LedgerError(`${path} is not a ledger`);
  visitor.begin(header);
  const whole = Math.floor((size - headerBytes) / entryBytes);
  let entries = 0;
  while (entries < whole) {
    const wanted = Math.min(chunkBytes, (whole - entries) * entryBytes);
    const { bytesRead } = await file.read(buffer, 0, wanted, headerBytes + entries * entryBytes);
    const inChunk = Math.floor(bytesRead / entryBytes);
    if (inChunk === 0) throw new LedgerError(`${path} became shorter while it was read`);
    for (let i = 0; i < inChunk; i += 1) {
      const entry = readEntry(buffer, i * entryBytes, header.startedAtMs);
      if (!entry && entries !== whole - 1) throw new LedgerError(`${path} is damaged at entry ${entries}`);
      if (!entry) return { header, entries, tornBytes: size - headerBytes - entries * entryBytes };
      visitor.entry(entry);
      entries += 1;
    }
  }
  return { header, entries, tornBytes: size - headerBytes - entries * entryBytes };
}
