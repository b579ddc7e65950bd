import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AuditEntry,
  auditOutcomes,
  chained,
  noHash,
} from '../../../../gateway/administration/audit/audit-record.ts';
import { verifyChain } from '../../../../gateway/administration/audit/verify-chain.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 300 });
const anyEntry: fc.Arbitrary<AuditEntry> = fc.record({
  requestId: anyText,
  actor: fc.option(fc.record({ tokenId: anyText, name: anyText, scope: fc.constantFrom('read', 'operate', 'admin') }), {
    nil: undefined,
  }),
  remoteAddress: anyText,
  action: anyText,
  target: anyText,
  outcome: fc.constantFrom(...auditOutcomes),
  detail: fc.dictionary(anyText, fc.oneof(anyText, fc.integer(), fc.boolean()), { maxKeys: 3 }),
});

/** The lines of a chain of these entries. */
function linesOf(entries: readonly AuditEntry[]): string[] {
  let prev = noHash;
  return entries.map((entry, index) => {
    const record = chained(entry, { chain: 'c', seq: index + 1, prev }, 1_700_000_000_000 + index);
    prev = record.hash;
    return record.line;
  });
}

const verdictOf = (lines: readonly string[], expected?: string) =>
  verifyChain(
    lines.map((line) => Buffer.from(line)),
    expected,
  );

const entries = fc.array(anyEntry, { minLength: 2, maxLength: 8 });

describe('a chain of audit records', () => {
  it('is whole whatever the texts in it are, and each record is one line', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (given) => {
        const lines = linesOf(given);
        expect(lines.every((line) => !/[\r\n]/.test(line))).toBe(true);
        expect(await verdictOf(lines)).toMatchObject({ records: lines.length, broken: undefined, tornLines: 0 });
      }),
    );
  });

  it('shows each change of a byte, in whatever record', async () => {
    await fc.assert(
      fc.asyncProperty(
        entries,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 94 }),
        async (given, which, where, by) => {
          const lines = linesOf(given);
          const at = which % lines.length;
          const line = lines[at] ?? '';
          const index = where % line.length;
          const code = line.charCodeAt(index);
          const other = String.fromCharCode(code < 33 || code > 126 ? 33 : 33 + ((code - 33 + by) % 94));
          fc.pre(other !== line[index]);
          lines[at] = line.slice(0, index) + other + line.slice(index + 1);
          expect((await verdictOf(lines)).broken).toBeDefined();
        },
      ),
    );
  });

  it('shows a record that was taken out, put in twice, or moved', async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.nat(), async (given, which) => {
        const lines = linesOf(given);
        const at = which % (lines.length - 1);
        const [moved = ''] = lines.slice(at, at + 1);
        expect((await verdictOf(lines.toSpliced(at, 1))).broken).toBeDefined();
        expect((await verdictOf(lines.toSpliced(at, 0, moved))).broken).toBeDefined();
        expect((await verdictOf([...lines.toSpliced(at, 1), moved])).broken).toBeDefined();
      }),
    );
  });

  it('shows by a hash that was noted before that its end was cut off', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (given) => {
        const lines = linesOf(given);
        const { head } = await verdictOf(lines);
        expect(await verdictOf(lines, head)).toMatchObject({ holdsExpected: true });
        expect(await verdictOf(lines.slice(0, -1), head)).toMatchObject({ broken: undefined, holdsExpected: false });
      }),
    );
  });

  it('does not take a line that is no record for what a crash has left', async () => {
    const [first = '', second = ''] = linesOf([
      { requestId: '', actor: undefined, remoteAddress: '', action: 'a', target: '', outcome: 'noted' },
      { requestId: '', actor: undefined, remoteAddress: '', action: 'b', target: '', outcome: 'noted' },
    ]);
    expect((await verdictOf([first, 'x', second])).broken).toMatchObject({ line: 3 });
    expect((await verdictOf([first, 'x'])).broken).toMatchObject({ line: 2 });
    expect((await verdictOf([`${first} `, second])).broken).toBeDefined();
    expect((await verdictOf([first.replace('{', '{"seq":9,'), second])).broken).toBeDefined();
  });
});
