import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AuditTrail } from '../../../gateway/administration/audit/audit-trail.ts';
import type { DeviceAdministration } from '../../../gateway/administration/devices.ts';
import { LogLevelControl } from '../../../gateway/administration/log-level.ts';
import { AdministrationServer } from '../../../gateway/administration/server.ts';
import { generateToken } from '../../../gateway/administration/tokens/token.ts';
import { TlsFolder } from '../tls/files.ts';
import { RecordedEvents } from './support.ts';

const record = { chain: 'c', seq: 1, prev: '', hash: '', timeMs: 0, target: '', line: '' };

const { token, id, hash } = generateToken();
const stored = {
  id,
  name: 'test',
  scope: 'admin',
  hash,
  createdAtMs: 0,
  expiresAtMs: Infinity,
  revokedAtMs: undefined,
} as const;

/** Takes whatever an import holds. */
const devices = {
  import: async (rows: AsyncIterable<unknown>) => {
    let added = 0;
    for await (const _row of rows) added += 1;
    return { added, secrets: [] };
  },
} as unknown as DeviceAdministration;

async function start(tls?: ConstructorParameters<typeof AdministrationServer>[0]['tls'], requestTimeoutMs = 1000) {
  const { observer } = new RecordedEvents();
  const file = { append: async () => record };
  const server = new AdministrationServer({
    host: '127.0.0.1',
    port: 0,
    tls,
    requestTimeoutMs,
    maxImportBytes: 1024,
    maxImportDevices: 100,
    findToken: () => stored,
    trail: new AuditTrail({ file, denialsPerMinute: 100, observer, now: Date.now }),
    devices: () => devices,
    sessions: () => undefined,
    configuration: {},
    logLevel: new LogLevelControl({ level: 'info' }, observer),
    observer,
    now: Date.now,
  });
  const port = await server.start();
  onTestFinished(() => server.close());
  return { server, port };
}

/** All that the server sends until it closes the connection. */
const answerTo = (port: number, bytes: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('close', () => resolve(text));
    // What the server has not read when it closes makes the system reset the connection.
    socket.on('error', () => {});
  });

const head = (rest: string): string => `GET /v1/devices HTTP/1.1\r\nHost: x\r\n${rest}`;

describe('the server of administration', () => {
  it.each([
    ['is no HTTP', 'hello\r\n\r\n', 400],
    ['has two lengths', `POST /v1/devices HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400],
    ['has a length and chunks', head('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), 400],
    ['has large headers', head(`X-Padding: ${'x'.repeat(9000)}\r\n\r\n`), 431],
    ['has a long address', `GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ['does not end', head('X-Half: '), 408],
  ])('closes a connection whose request %s', async (_what, bytes, status) => {
    const { port } = await start();
    const answer = await answerTo(port, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    expect(answer).not.toMatch(/\.ts|HPE_| {4}at /);
  });

  it('answers an import that is too large while it still comes, and serves the next one', async () => {
    const { port } = await start(undefined, 20_000);
    const send = (line: string, lines: number) =>
      fetch(`http://127.0.0.1:${port}/v1/device-imports`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
        body: `${line}\n`.repeat(lines),
      });
    const device = '{"device_id":"d","kind":"bay","bound_to":"b"}';
    expect((await send(device, 100_000)).status).toBe(413);
    expect((await send('x'.repeat(9000), 1)).status).toBe(413);
    const small = await send(device, 3);
    expect([small.status, await small.json()]).toEqual([201, { added: 3, secrets: [] }]);
  });

  it('speaks TLS 1.2 or later only, and takes a new certificate without a restart', async () => {
    const folder = await TlsFolder.make();
    onTestFinished(() => folder[Symbol.dispose]());
    const files = { clientCertificates: 'none', crlFiles: [], clientCaFile: undefined } as const;
    const { server, port } = await start(folder.read(files).context);
    const fingerprint = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connectSecurely({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().fingerprint256);
          socket.destroy();
        });
        socket.on('error', reject);
      });
    const before = await fingerprint();
    await folder.authority.issue({ kind: 'server', name: '127.0.0.1', days: 60, replace: true });
    server.useTls(folder.read(files).context);
    expect(await fingerprint()).not.toBe(before);
    const old = new Promise((resolve, reject) => {
      const socket = connectSecurely(
        { host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' },
        () => resolve('connected'),
      );
      socket.on('error', reject);
    });
    await expect(old).rejects.toThrow();
    await expect(fetch(`http://127.0.0.1:${port}/v1/devices`)).rejects.toThrow();
  });
});
