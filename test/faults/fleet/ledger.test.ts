import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { LedgerFile } from '../../../faults/fleet/ledger-file.ts';
import {
  type EntryKind,
  entryBytes,
  entryKinds,
  headerBytes,
  type LedgerEntry,
  type LedgerHeader,
  readEntry,
  writeEntry,
} from '../../../faults/fleet/ledger-format.ts';
import { LedgerError, type LedgerReading, readLedger } from '../../../faults/fleet/read-ledger.ts';

const header = { runId: 0xfedc_ba98, vehicles: 3, startedAtMs: Date.now() - 1000 };

describe('an entry of the ledger', () => {
  it('is read as it was written, and recognised as damaged when any of its bits is not as written', () => {
    const entry = fc.record({
      device: fc.nat(0xffff_ffff),
      sequence: fc.nat(0xffff_ffff),
      sinceStartMs: fc.nat(0xffff_ffff),
      kind: fc.constantFrom<EntryKind>(...Object.values(entryKinds)),
      code: fc.nat(255),
    });
    let undetected = 0;
    fc.assert(
      fc.property(entry, fc.nat(entryBytes * 8 - 1), ({ device, sequence, sinceStartMs, kind, code }, bit) => {
        const bytes = Buffer.alloc(entryBytes);
        writeEntry(bytes, 0, device, sequence, sinceStartMs, kind, code);
        const isContent = kind === entryKinds.content;
        expect(readEntry(bytes, 0, 1000)).toEqual({
          ...{ device, sequence, kind, code },
          atMs: isContent ? 0 : 1000 + sinceStartMs,
          content: isContent ? sinceStartMs : 0,
        });
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        if (readEntry(bytes, 0, 1000)) undetected += 1;
      }),
      { numRuns: 2000 },
    );
    // 16 bits of check find all but one in 65,536.
    expect(undetected).toBeLessThanOrEqual(2);
  });
});

describe('the ledger of a fleet', () => {
  let folder: string;
  let path: string;
  let number = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function create(): LedgerFile {
    number += 1;
    path = join(folder, `${number}.ledger`);
    const ledger = new LedgerFile(path, header);
    for (let device = 0; device < header.vehicles; device += 1) ledger.open();
    return ledger;
  }

  async function read(): Promise<LedgerReading & { all: LedgerEntry[]; begun: LedgerHeader[] }> {
    const all: LedgerEntry[] = [];
    const begun: LedgerHeader[] = [];
    const reading = await readLedger(path, { begin: (h) => begun.push(h), entry: (entry) => all.push(entry) });
    return { ...reading, all, begun };
  }

  it('tells what happened in its order, and tells sending again from sending', async () => {
    const ledger = create();
    ledger.recordInvalid(1, 1);
    ledger.recordContent(1, 1, 0xfedc_ba98);
    ledger.recordSent(1, 1);
    ledger.recordSent(1, 2);
    ledger.recordRejected(1, 1, 0x99);
    ledger.recordSent(1, 2);
    ledger.recordSent(2, 1);
    ledger.recordAcknowledged(1, 2);
    ledger.recordSentOnce(1, 3);
    ledger.close();
    const { all, begun, entries, tornBytes } = await read();
    expect(all.map(({ device, sequence, kind, code }) => [device, sequence, kind, code])).toEqual([
      [1, 1, entryKinds.invalid, 0],
      [1, 1, entryKinds.content, 0],
      [1, 1, entryKinds.sent, 0],
      [1, 2, entryKinds.sent, 0],
      [1, 1, entryKinds.rejected, 0x99],
      [1, 2, entryKinds.sentAgain, 0],
      [2, 1, entryKinds.sent, 0],
      [1, 2, entryKinds.acknowledged, 0],
      [1, 3, entryKinds.sentOnce, 0],
    ]);
    expect(begun).toEqual([header]);
    expect(all[1]?.content).toBe(0xfedc_ba98);
    expect({ entries, tornBytes }).toEqual({ entries: 9, tornBytes: 0 });
    expect(Math.abs((all[0]?.atMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('has what is sent in the file before the call returns, and what was answered at the end of the turn', async () => {
    const ledger = create();
    onTestFinished(() => ledger.close());
    ledger.recordInvalid(0, 1);
    ledger.recordSent(0, 1);
    expect(await read()).toMatchObject({ entries: 2 });
    ledger.recordSentOnce(0, 2);
    expect(await read()).toMatchObject({ entries: 3 });
    ledger.recordAcknowledged(0, 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await read()).toMatchObject({ entries: 4 });
  });

  it('keeps more answers in one turn than its buffer holds', async () => {
    const ledger = create();
    for (let sequence = 1; sequence <= 10_000; sequence += 1) ledger.recordAcknowledged(0, sequence);
    ledger.close();
    const { all } = await read();
    expect(all.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 10_000 }, (_, i) => i + 1));
  });

  it('is of one run: an existing file is refused', () => {
    create().close();
    expect(() => new LedgerFile(path, header)).toThrow(/EEXIST/);
  });

  describe('after kill -9', () => {
    const write = (): void => {
      const ledger = create();
      for (let sequence = 1; sequence <= 100; sequence += 1) ledger.recordSent(0, sequence);
      ledger.close();
    };

    it('is read without its torn last entry, wherever that was torn', async () => {
      for (let left = 0; left < entryBytes; left += 1) {
        write();
        await truncate(path, headerBytes + 99 * entryBytes + left);
        expect(await read()).toMatchObject({ entries: 99, tornBytes: left });
      }
    });

    it('is read without a last entry whose bytes did not all arrive', async () => {
      write();
      await appendFile(path, Buffer.alloc(entryBytes));
      expect(await read()).toMatchObject({ entries: 100, tornBytes: entryBytes });
    });

    it('is refused when it is damaged anywhere else', async () => {
      write();
      const bytes = await readFile(path);
      bytes.fill(0, headerBytes + 50 * entryBytes, headerBytes + 51 * entryBytes);
      await writeFile(path, bytes);
      await expect(read()).rejects.toThrow(LedgerError);
    });

    it.each([
      ['empty', Buffer.alloc(0)],
      ['something else', Buffer.alloc(headerBytes, 'x')],
    ])('is refused when it is %s', async (_what, bytes) => {
      path = join(folder, 'not-a-ledger');
      await writeFile(path, bytes);
      await expect(read()).rejects.toThrow(/is not a ledger/);
    });
  });
});
