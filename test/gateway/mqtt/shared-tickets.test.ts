import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TlsFiles } from '../../../gateway/tls/material.ts';
import { TlsFolder } from '../tls/files.ts';
import { until } from './support.ts';
import { SecureClient, SecureEdge } from './tls-support.ts';

const hourMs = 3_600_000;
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

/** Gateways with the same files: an authority, a certificate, a secret. */
async function fleet() {
  const folder = await TlsFolder.make();
  onTestFinished(() => folder[Symbol.dispose]());
  const ticketSecretFile = join(folder.path, 'tickets.secret');
  const writeSecret = () => writeFileSync(ticketSecretFile, randomBytes(48).toString('base64'), { mode: 0o600 });
  writeSecret();
  const start = (files: Partial<TlsFiles> = {}) =>
    SecureEdge.start({ folder, files: { ticketSecretFile, ticketRotationHours: 1, ...files } });
  const read = (files: Partial<TlsFiles> = {}) => folder.read({ ticketSecretFile, ticketRotationHours: 1, ...files });
  return { folder, start, read, writeSecret };
}

type Own = Parameters<SecureEdge['clientOptions']>[0];

/** Connects, and leaves with the ticket that it was given. */
async function ticketOf(edge: SecureEdge, own: Own, options: ConnectionOptions): Promise<Buffer> {
  const client = new SecureClient({ ...edge.clientOptions(own), ...options });
  await client.connect({ clientId: 'a', username: 'a', password: Buffer.from('right') });
  await until(() => client.session !== undefined, 'a session ticket');
  await edge.handshake();
  client.socket.end();
  await client.end();
  return client.session as Buffer;
}

/** Comes with a ticket; returns how the handshake went. */
async function comeBack(edge: SecureEdge, own: Own, options: ConnectionOptions): Promise<string> {
  const client = new SecureClient({ ...edge.clientOptions(own), ...options });
  const outcome = await client.connect({ clientId: 'a', username: 'a', password: Buffer.from('right') });
  const handshake = await edge.handshake();
  expect(outcome).toBe(handshake.startsWith('TLS') ? 0 : 'closed');
  return handshake;
}

describe.each(versions)('a ticket of %s', (maxVersion) => {
  it.each(['required', 'none'] as const)(
    'is taken by another gateway of the fleet (certificates: %s)',
    async (mode) => {
      const { folder, start } = await fleet();
      const files = mode === 'none' ? { clientCertificates: mode, clientCaFile: undefined, crlFiles: [] } : {};
      const [first, second] = [await start(files), await start(files)];
      const own = mode === 'none' ? undefined : await folder.device('a');
      const session = await ticketOf(first, own, { maxVersion });
      expect(await comeBack(second, own, { maxVersion, session })).toBe(`${maxVersion} resumed`);
      // Whose certificate it was is in the ticket, and judged.
      if (mode === 'required') expect(second.seen.of('connectionOpened')[0]?.[0]).toMatchObject({ deviceId: 'a' });
    },
  );

  it('is not taken by a gateway with another secret, or with none', async () => {
    const { folder, start, writeSecret } = await fleet();
    const own = await folder.device('a');
    const first = await start();
    const session = await ticketOf(first, own, { maxVersion });
    writeSecret();
    const others = [await start(), await start({ ticketSecretFile: undefined })];
    for (const other of others) expect(await comeBack(other, own, { maxVersion, session })).toBe(maxVersion);
  });

  it('counts no more after the rotation, in either gateway, and those of after it do in both', async () => {
    const { folder, start } = await fleet();
    const [first, second] = [await start(), await start()];
    const own = await folder.device('a');
    const session = await ticketOf(first, own, { maxVersion });
    for (const edge of [first, second]) {
      edge.nowMs += hourMs;
      edge.server.sweep();
      expect(await comeBack(edge, own, { maxVersion, session })).toBe(maxVersion);
    }
    const later = await ticketOf(first, own, { maxVersion });
    expect(await comeBack(second, own, { maxVersion, session: later })).toBe(`${maxVersion} resumed`);
  });

  it('stays good over new files with the same secret, and not over a new secret', async () => {
    const { folder, start, read, writeSecret } = await fleet();
    const edge = await start();
    const own = await folder.device('a');
    const session = await ticketOf(edge, own, { maxVersion });
    edge.server.useTls('secure', read());
    expect(await comeBack(edge, own, { maxVersion, session })).toBe(`${maxVersion} resumed`);
    writeSecret();
    edge.server.useTls('secure', read());
    expect(await comeBack(edge, own, { maxVersion, session })).toBe(maxVersion);
  });

  it('does not survive a change of the authorities, though its certificate is good under both', async () => {
    using other = await TlsFolder.make();
    const { folder, start } = await fleet();
    const own = await folder.device('a');
    const session = await ticketOf(await start(), own, { maxVersion });
    const clientCaFile = join(folder.path, 'both.pem');
    const both = [folder, other].map(({ authority }) => readFileSync(authority.certFile, 'utf8'));
    writeFileSync(clientCaFile, both.join(''));
    const changed = await start({ clientCaFile, crlFiles: [] });
    expect(await comeBack(changed, own, { maxVersion, session })).toBe(maxVersion);
    writeFileSync(clientCaFile, `# the same, in another order\n${both.toReversed().join('')}`);
    const reordered = await start({ clientCaFile, crlFiles: [] });
    const later = await ticketOf(changed, own, { maxVersion });
    expect(await comeBack(reordered, own, { maxVersion, session: later })).toBe(`${maxVersion} resumed`);
  });

  it('does not let a certificate in elsewhere that was revoked since', async () => {
    const { folder, start, read } = await fleet();
    const [first, second] = [await start(), await start()];
    const own = await folder.device('a');
    const session = await ticketOf(first, own, { maxVersion });
    await folder.authority.revoke('a');
    second.server.useTls('secure', read());
    expect(await comeBack(second, own, { maxVersion, session })).toBe('certificate_revoked');
  });

  it.each(['none', 'optional'] as const)(
    'of a listener where certificates are %s does not stand for one where they are required',
    async (mode) => {
      const { folder, start } = await fleet();
      const files = mode === 'none' ? { clientCaFile: undefined, crlFiles: [] } : {};
      const lenient = await start({ ...files, clientCertificates: mode });
      const strict = await start();
      const session = await ticketOf(lenient, undefined, { maxVersion });
      const client = new SecureClient({ ...strict.clientOptions(), maxVersion, session });
      expect(await client.connect({ clientId: 'a', username: 'a', password: Buffer.from('right') })).toBe('closed');
      expect(await strict.handshake()).toBe('certificate_missing');
      expect(await comeBack(strict, await folder.device('a'), { maxVersion, session })).toBe(maxVersion);
    },
  );
});
