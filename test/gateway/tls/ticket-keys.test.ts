import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deriveTicketKeys, readTicketSecret, type TicketScope } from '../../../gateway/tls/ticket-keys.ts';
import { TlsFolder } from './files.ts';

const hourMs = 3_600_000;
const secret = Buffer.alloc(48, 7);
const scope: TicketScope = { listener: 'a', clientCertificates: 'required', authorities: 'ca', rotationHours: 2 };

const fileOf = (text: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tickets-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'tickets.secret');
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};

describe('ticket keys', () => {
  it('are the same wherever secret, use and period are, and 48 bytes', () => {
    const [one, two] = [deriveTicketKeys(secret, scope), deriveTicketKeys(Buffer.from(secret), { ...scope })];
    expect(one.ofPeriod(5)).toHaveLength(48);
    expect(one.ofPeriod(5).equals(two.ofPeriod(5))).toBe(true);
    expect(one.id).toBe(two.id);
  });

  it('are others with another secret, use or period, in each of their three parts', () => {
    const all = [
      deriveTicketKeys(secret, scope).ofPeriod(5),
      deriveTicketKeys(secret, scope).ofPeriod(6),
      deriveTicketKeys(Buffer.alloc(48, 8), scope).ofPeriod(5),
      deriveTicketKeys(secret, { ...scope, listener: 'b' }).ofPeriod(5),
      deriveTicketKeys(secret, { ...scope, clientCertificates: 'none' }).ofPeriod(5),
      deriveTicketKeys(secret, { ...scope, authorities: 'other' }).ofPeriod(5),
      deriveTicketKeys(secret, { ...scope, rotationHours: 3 }).ofPeriod(5),
    ];
    for (const from of [0, 16, 32]) {
      expect(new Set(all.map((keys) => keys.subarray(from, from + 16).toString('hex'))).size).toBe(all.length);
    }
  });

  it('change at the same moment everywhere', () => {
    const keys = deriveTicketKeys(secret, scope);
    expect([0, 2 * hourMs - 1, 2 * hourMs, 5 * hourMs].map((ms) => keys.periodAt(ms))).toEqual([0, 0, 1, 2]);
  });

  it('have an id that says nothing of the secret', () => {
    const { id } = deriveTicketKeys(secret, scope);
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(secret.toString('hex')).not.toContain(id);
  });
});

describe('a ticket secret', () => {
  it('is at least 32 bytes in base64 on one line', () => {
    expect(readTicketSecret(fileOf(`${Buffer.alloc(32, 1).toString('base64')}\n`))).toHaveLength(32);
  });

  it.each([
    ['too short', Buffer.alloc(31, 1).toString('base64')],
    ['empty', ''],
    ['raw bytes', '\u0001'.repeat(48)],
    ['several lines', `${Buffer.alloc(48).toString('base64')}\n${Buffer.alloc(48).toString('base64')}`],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nsecretcanary\n-----END PRIVATE KEY-----'],
  ])('that is %s is refused, and not shown', (_what, text) => {
    const path = fileOf(text);
    expect(() => readTicketSecret(path)).toThrowError(
      expect.objectContaining({ code: 'tls_file_invalid', message: expect.stringContaining(path) }),
    );
    expect(() => readTicketSecret(path)).not.toThrowError(/canary/);
  });

  it('that is missing is named; one that is open to others is warned of', async () => {
    using folder = await TlsFolder.make();
    const ticketSecretFile = fileOf(secret.toString('base64'));
    expect(folder.read({ ticketSecretFile }).warnings).toEqual([]);
    chmodSync(ticketSecretFile, 0o644);
    expect(folder.read({ ticketSecretFile }).warnings).toEqual([expect.stringContaining('ticket secret')]);
    const missing = `${ticketSecretFile}.missing`;
    expect(() => folder.read({ ticketSecretFile: missing })).toThrowError(/tickets\.secret\.missing/);
  });

  it('is in what the files come to as an id alone', async () => {
    using folder = await TlsFolder.make();
    const { facts, ticketKeys } = folder.read({ ticketSecretFile: fileOf(secret.toString('base64')) });
    expect(facts.ticketKeysId).toBe(ticketKeys?.id);
    expect(JSON.stringify(facts)).not.toContain(secret.toString('base64').slice(0, 12));
    expect(folder.read().ticketKeys).toBeUndefined();
  });
});
