import { appendFileSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AuditFile } from '../../../../gateway/administration/audit/audit-file.ts';
import type { AuditEntry } from '../../../../gateway/administration/audit/audit-record.ts';
import { readLines, verifyChain } from '../../../../gateway/administration/audit/verify-chain.ts';
import { temporaryFolder } from '../support.ts';

const entry = (target: string): AuditEntry => ({
  requestId: 'r-1',
  actor: { tokenId: '0123456789ab', name: 'ci', scope: 'admin' },
  remoteAddress: '127.0.0.1',
  action: 'device.create',
  target,
  outcome: 'attempted',
});

const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('the audit file', () => {
  it('is its owner’s alone, and begins with a record of its own', async () => {
    const path = join(temporaryFolder(), 'audit.jsonl');
    const file = await AuditFile.open(path);
    await file.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(linesOf(path)).toMatchObject([{ seq: 1, action: 'audit.started', prev: '0'.repeat(64) }]);
  });

  it('keeps records in one chain, also those that are given to it at once', async () => {
    const path = join(temporaryFolder(), 'audit.jsonl');
    const file = await AuditFile.open(path);
    await Promise.all(Array.from({ length: 50 }, (_, index) => file.append(entry(`dev-${index}`), index % 2 === 0)));
    await file.close();
    expect(await verifyChain(readLines(path))).toMatchObject({ records: 51, broken: undefined, tornLines: 0 });
    expect(
      linesOf(path)
        .map(({ target }) => target)
        .slice(1),
    ).toEqual(Array.from({ length: 50 }, (_, index) => `dev-${index}`));
  });

  it('holds nothing that ends a line or moves a cursor, for whatever reader, and its chain none the less', async () => {
    const path = join(temporaryFolder(), 'audit.jsonl');
    const file = await AuditFile.open(path);
    const strange = 'GET /\u0085\u2028{"seq":9}\u001b[2K\u009b2K\u007f\u202e';
    await file.append({ ...entry(strange), action: strange, detail: { reason: strange } }, true);
    await file.close();
    expect(readFileSync(path, 'utf8')).not.toMatch(/[^\P{Cc}\n]|[\p{Zl}\p{Cf}]/u);
    expect(linesOf(path).at(-1)?.target).toContain('\\u009b2K\\u007f');
    expect(await verifyChain(readLines(path))).toMatchObject({ records: 2, broken: undefined, tornLines: 0 });
  });

  it('goes on with its chain when it is opened again', async () => {
    const path = join(temporaryFolder(), 'audit.jsonl');
    for (let start = 0; start < 3; start++) {
      const file = await AuditFile.open(path);
      await file.append(entry(`dev-${start}`), true);
      await file.close();
    }
    expect(linesOf(path).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(new Set(linesOf(path).map(({ chain }) => chain)).size).toBe(1);
    expect(await verifyChain(readLines(path))).toMatchObject({ records: 4, broken: undefined });
  });

  it.each([1, 30, 200])('goes on behind a record of which a crash has cut %i bytes off, and says so', async (bytes) => {
    const path = join(temporaryFolder(), 'audit.jsonl');
    const first = await AuditFile.open(path);
    await first.append(entry('dev-1'), true);
    await first.append(entry('dev-2'), true);
    await first.close();
    truncateSync(path, statSync(path).size - bytes);
    const second = await AuditFile.open(path);
    await second.append(entry('dev-3'), true);
    await second.close();
    const tornLines = bytes === 1 ? 0 : 1;
    expect(await verifyChain(readLines(path))).toMatchObject({ broken: undefined, tornLines });
    const text = readFileSync(path, 'utf8');
    expect(text.includes('audit.resumed')).toBe(tornLines === 1);
    expect(text.trimEnd().split('\n').at(-1)).toContain('dev-3');
  });

  it('goes on behind several broken lines', async () => {
    const path = join(temporaryFolder(), 'audit.jsonl');
    await (await AuditFile.open(path)).close();
    appendFileSync(path, '{"seq":2,"ac\n{"seq":2');
    await (await AuditFile.open(path)).close();
    expect(await verifyChain(readLines(path))).toMatchObject({ records: 2, broken: undefined, tornLines: 2 });
  });

  it('is not begun in a file that is something else, nor through a link', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'notes.txt'), 'dear diary\n');
    await expect(AuditFile.open(join(folder, 'notes.txt'))).rejects.toMatchObject({ code: 'audit_unreadable' });
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('dear diary\n');
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'link'));
    await expect(AuditFile.open(join(folder, 'link'))).rejects.toMatchObject({ code: 'audit_unopenable' });
  });

  it('says when the disk is full', async () => {
    await expect(AuditFile.open('/dev/full')).rejects.toMatchObject({ code: expect.stringMatching(/^audit_/) });
  });

  it('takes no more than may wait for the disk', async () => {
    const path = join(temporaryFolder(), 'audit.jsonl');
    const file = await AuditFile.open(path);
    const results = await Promise.allSettled(Array.from({ length: 1200 }, () => file.append(entry('dev-1'), false)));
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(200);
    expect(refused[0]).toMatchObject({ reason: { code: 'audit_overloaded' } });
    await file.append(entry('dev-2'), true);
    await file.close();
    expect(await verifyChain(readLines(path))).toMatchObject({ records: 1002, broken: undefined });
  });
});
