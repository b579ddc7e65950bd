import { chmodSync, copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { loadConfig } from '../../gateway/config/load.ts';
import { TlsPath } from '../../gateway/tls-path.ts';
import { KeyServer } from '../support/key-server.ts';
import { until } from './mqtt/support.ts';
import { Captured, type Line } from './observability/captured.ts';
import { TlsFolder } from './tls/files.ts';

async function scene(more: object = {}) {
  const folder = await TlsFolder.make();
  onTestFinished(() => folder[Symbol.dispose]());
  const { certFile, keyFile, clientCaFile, crlFiles } = folder.files;
  const tls = { certFile, keyFile, clientCaFile, crlFiles, clientCertificates: 'required', watchSeconds: 1, ...more };
  const listeners = [
    { name: 'secure', tls },
    { name: 'local', port: 1884, credentials: 'token' },
  ];
  const tokens = { jwksFile: 'jwks.json', issuer: 'issuer', audience: 'edge' };
  const loaded = loadConfig({ settings: { listeners, identity: { tokens } }, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  const { config } = loaded;
  const captured = new Captured('info');
  const start = () => {
    const path = new TlsPath(config, captured.observability);
    onTestFinished(() => path.close());
    return path;
  };
  const used: string[] = [];
  const use = (listener: string): number => used.push(listener);
  const reloads = async (result: string) =>
    (await captured.metrics()).get(`edge_tls_reloads_total{result="${result}"}`) ?? 0;
  return { folder, captured, start, used, use, reloads };
}

describe('the files of TLS', () => {
  it('make the listeners that have it', async () => {
    const { start, captured } = await scene();
    const path = start();
    expect(path.isUsed).toBe(true);
    expect(path.listeners()).toMatchObject([
      { name: 'secure', credentials: 'secret', tls: { clientCertificates: 'required', certificateSuffices: false } },
      { name: 'local', port: 1884, auth: 'registry', credentials: 'token' },
    ]);
    expect(path.listeners()[1]?.tls).toBeUndefined();
    expect(captured.lines).toMatchObject([{ event: 'tls_files_loaded', cause: 'start', revokedCertificates: 0 }]);
    const metrics = await captured.metrics();
    expect(metrics.get('edge_tls_certificate_end_seconds{listener="secure"}')).toBeGreaterThan(Date.now() / 1000);
    expect(metrics.get('edge_tls_crl_end_seconds{listener="secure"}')).toBeGreaterThan(Date.now() / 1000);
  });

  it('refuse the start when they can’t be used', async () => {
    const { folder, start } = await scene();
    writeFileSync(folder.files.keyFile, 'broken');
    expect(start).toThrowError(/private key .* can't be used/);
  });

  it('are warned of when the key is open to others', async () => {
    const { folder, start, captured } = await scene();
    chmodSync(folder.files.keyFile, 0o644);
    start();
    expect(captured.lines.map(({ event }) => event)).toContain('tls_files_questionable');
  });

  it('are read again on a signal; broken ones leave those before, are counted and said', async () => {
    const { folder, start, used, use, reloads, captured } = await scene();
    const path = start();
    path.serve(use);
    path.reload('SIGHUP');
    expect(used).toEqual(['secure']);
    copyFileSync(folder.files.keyFile, `${folder.path}/kept.key`);
    writeFileSync(folder.files.keyFile, '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n');
    path.reload('SIGHUP');
    expect([used.length, await reloads('taken'), await reloads('refused')]).toEqual([1, 1, 1]);
    const refused = captured.lines.find(({ event }) => event === 'tls_files_refused');
    expect(refused).toMatchObject({ listener: 'secure', code: 'tls_file_invalid', cause: 'SIGHUP' });
    expect(JSON.stringify(captured.lines)).not.toContain('canary');
    renameSync(`${folder.path}/kept.key`, folder.files.keyFile);
    path.reload('SIGHUP');
    expect(used.length).toBe(2);
  });

  it('are read again when one of them changes, and only those that can be used', async () => {
    const { folder, start, used, use, captured } = await scene();
    const path = start();
    path.serve(use);
    await path.open(new AbortController().signal);
    await folder.device('a');
    await folder.authority.revoke('a');
    await until(() => used.length > 0, 'the new revocation list to be taken');
    const taken = captured.lines.filter(({ event }) => event === 'tls_files_loaded').at(-1);
    expect(taken).toMatchObject({ cause: folder.authority.crlPath, revokedCertificates: 1 });
    const before = used.length;
    writeFileSync(folder.authority.crlPath, 'half a li');
    await until(
      () => captured.lines.some(({ event }) => event === 'tls_files_refused'),
      'the broken list to be refused',
    );
    expect(used.length).toBe(before);
    expect(path.listeners()[0]?.tls?.material).toMatchObject({ facts: { revokedCertificates: 1 } });
  });

  it('are read again when they were replaced before the watch began', async () => {
    const { folder, start, used, use, captured } = await scene();
    const path = start();
    await folder.device('a');
    await folder.authority.revoke('a');
    await path.open(new AbortController().signal);
    expect(path.listeners()[0]?.tls?.material).toMatchObject({ facts: { revokedCertificates: 1 } });
    path.serve(use);
    expect(used).toEqual([]);
    expect(captured.lines.map(({ event }) => event)).toEqual(['tls_files_loaded', 'tls_files_loaded']);
  });

  it('are read once when several have changed together', async () => {
    const { folder, start, used, use, reloads } = await scene();
    const path = start();
    path.serve(use);
    await path.open(new AbortController().signal);
    await folder.authority.issue({ kind: 'server', name: '127.0.0.1', days: 9, replace: true });
    await folder.authority.writeCrl();
    await until(() => used.length > 0, 'the new files to be taken');
    expect([await reloads('taken'), await reloads('refused')]).toEqual([1, 0]);
  });

  it('need not fit each other for a moment while they are replaced one by one', async () => {
    const { folder, start, used, use, reloads } = await scene();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const path = start();
    path.serve(use);
    await path.open(new AbortController().signal);
    const formerKey = readFileSync(folder.files.keyFile);
    await folder.authority.issue({ kind: 'server', name: '127.0.0.1', days: 9, replace: true });
    const key = readFileSync(folder.files.keyFile);
    writeFileSync(folder.files.keyFile, formerKey);
    vi.advanceTimersByTime(1000);
    await until(() => vi.getTimerCount() === 2, 'the certificate without its key to be looked at');
    expect([used.length, await reloads('refused')]).toEqual([0, 0]);
    writeFileSync(folder.files.keyFile, key);
    vi.advanceTimersByTime(2000);
    expect([used.length, await reloads('refused')]).toEqual([1, 0]);
  });

  it('are complained of when they do not fit each other for longer', async () => {
    const { folder, start, reloads } = await scene();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await start().open(new AbortController().signal);
    const other = await folder.authority.issue({ kind: 'server', name: 'other', days: 9 });
    copyFileSync(other.keyFile, folder.files.keyFile);
    vi.advanceTimersByTime(1000);
    await until(() => vi.getTimerCount() === 2, 'the key to be looked at');
    expect(await reloads('refused')).toBe(0);
    vi.advanceTimersByTime(2000);
    expect(await reloads('refused')).toBe(1);
  });

  it('are tried again by themselves when a revocation list is from the future', async () => {
    const { folder, start, used, use, reloads } = await scene();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const path = start();
    path.serve(use);
    await path.open(new AbortController().signal);
    await folder.authority.writeCrl(30, Date.now() + 20_000);
    path.reload('SIGHUP');
    expect([used.length, await reloads('refused')]).toEqual([0, 1]);
    vi.advanceTimersByTime(30_000);
    expect(used.length).toBe(1);
  });

  it('may be lists at an address, in DER too, without which devices may not connect', async () => {
    const list = { answer: (): Buffer => Buffer.alloc(0) };
    await using server = await KeyServer.start(() => '');
    const { folder, start, used, use, captured } = await scene({
      crlFiles: [],
      crlUrls: [server.url],
      crlRefreshSeconds: 1,
    });
    const pem = readFileSync(folder.authority.crlPath, 'utf8');
    list.answer = () => Buffer.from(pem.replace(/-----[A-Z0-9 ]+-----/g, ''), 'base64');
    server.answer = (_request, response) => void response.writeHead(503).end();
    const path = start();
    path.serve(use);
    const opening = path.open(new AbortController().signal);
    await until(() => captured.lines.some(({ event }) => event === 'gateway_start_delayed'), 'the start to wait');
    server.answer = (_request, response) => void response.end(list.answer());
    expect(await opening).toBe(true);
    const material = () => path.listeners()[0]?.tls?.material as { facts: object } | undefined;
    expect(material()?.facts).toMatchObject({ revokedCertificates: 0, crlEndsAtMs: expect.any(Number) });

    await folder.device('a');
    await folder.authority.revoke('a');
    list.answer = () => readFileSync(folder.authority.crlPath);
    await until(() => used.length > 0, 'the new list to be taken');
    expect(material()?.facts).toMatchObject({ revokedCertificates: 1 });

    const attacks: [string, (request: IncomingMessage, response: ServerResponse) => void][] = [
      ['answered 500', (_request, response) => void response.writeHead(500).end()],
      ['holds no readable list', (_request, response) => void response.end('<html>')],
      ['more than crlMaxBytes', (_request, response) => void response.end(Buffer.alloc(5_000_000))],
      ["can't be fetched", (_request, response) => void response.writeHead(302, { location: '/other' }).end()],
    ];
    for (const [problem, answer] of attacks) {
      server.answer = answer;
      const isSaid = ({ event, problem: said }: Line) =>
        event === 'tls_files_refused' && String(said).includes(problem);
      await until(() => captured.lines.some(isSaid), problem);
    }
    expect(material()?.facts).toMatchObject({ revokedCertificates: 1 });

    // A list of before, which nobody takes back: other files that are renewed are taken nevertheless.
    list.answer = () => Buffer.from(pem);
    server.answer = (_request, response) => void response.end(list.answer());
    const isOlder = ({ event, code }: Line) => event === 'tls_files_refused' && code === 'tls_crl_older';
    await until(() => captured.lines.some(isOlder), 'the older list to be refused');
    const before = used.length;
    await folder.authority.issue({ kind: 'server', name: '127.0.0.1', days: 9, replace: true });
    await until(() => used.length > before, 'the renewed certificate to be taken');
    expect(material()?.facts).toMatchObject({ revokedCertificates: 1 });
  });

  it('may come from a clock that is a little ahead, at the start', async () => {
    let list = '';
    await using server = await KeyServer.start(() => list);
    const { folder, start } = await scene({ crlFiles: [], crlUrls: [server.url] });
    await folder.authority.writeCrl(30, Date.now() + 20_000);
    list = readFileSync(folder.authority.crlPath, 'utf8');
    expect(await start().open(new AbortController().signal)).toBe(true);
  });

  it('that are never fetched end a start that is given up', async () => {
    await using server = await KeyServer.start(() => 'no list');
    const { start, captured } = await scene({ crlFiles: [], crlUrls: [server.url] });
    const stop = new AbortController();
    const opening = start().open(stop.signal);
    await until(() => captured.lines.some(({ event }) => event === 'gateway_start_delayed'), 'the start to wait');
    stop.abort();
    expect(await opening).toBe(false);
  });

  it('are none of plain listeners: a reload does nothing', () => {
    const loaded = loadConfig({ settings: {}, env: {} });
    if (!loaded.ok) throw new Error('defaults');
    const captured = new Captured();
    const path = new TlsPath(loaded.config, captured.observability);
    path.reload('SIGHUP');
    expect([path.isUsed, captured.lines]).toEqual([false, []]);
  });
});
