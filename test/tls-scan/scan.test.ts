import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OpenSsl } from '../../tls-scan/openssl.ts';
import { protocols } from '../../tls-scan/protocols.ts';
import { scene } from '../gateway/administration/support.ts';
import { SecureEdge } from '../gateway/mqtt/tls-support.ts';
import { Transports } from '../gateway/mqtt/transport-support.ts';
import { TlsFolder } from '../gateway/tls/files.ts';
import { runCommand } from '../support/run-command.ts';

const installed = await new OpenSsl('openssl').version();
if (installed === undefined) {
  process.stderr.write(
    'NOT RUN: the scan by openssl, as this machine has no such program; only our own ClientHello is\n',
  );
}
const main = 'tls-scan/main.ts';
const exitCodes = { good: 0, bad: 1, failed: 2, notRun: 3 } as const;

describe('a scan from outside', () => {
  it("finds nothing bad at the gateway's listener: nothing below TLS 1.2, no compression, no renegotiation, ECDHE with AEAD", async () => {
    const edge = await SecureEdge.start({ files: { clientCertificates: 'none' } });
    const { code, out, figures } = await runCommand(main, ['--address', `127.0.0.1:${edge.port}`]);
    expect(figures, out).toMatchObject({ bad: 0 });
    expect(out).not.toMatch(/^bad/m);
    expect(code, out).toBe(installed === undefined ? exitCodes.notRun : exitCodes.good);
  }, 120_000);

  it('finds nothing bad at the listener of administration, which agrees on http/1.1', async () => {
    const folder = await TlsFolder.make();
    onTestFinished(() => folder[Symbol.dispose]());
    const { context } = folder.read({ clientCertificates: 'none', crlFiles: [], clientCaFile: undefined });
    const { server } = await scene({ tls: context });
    const address = new URL(await server.listen({ host: '127.0.0.1', port: 0 })).host;
    const { code, out, figures } = await runCommand(main, ['--address', address, '--alpn', 'http/1.1']);
    expect(figures, out).toMatchObject({ bad: 0 });
    expect(code, out).toBe(installed === undefined ? exitCodes.notRun : exitCodes.good);
  }, 120_000);

  it('refuses a protocol that can be none', async () => {
    const { code, err } = await runCommand(main, ['--address', '127.0.0.1:1', '--alpn', 'mqtt,h2']);
    expect(code).toBe(exitCodes.failed);
    expect(err).toContain('The name of one protocol is needed');
  });

  it('says what it has not run, and ends otherwise than with good, where there is no openssl', async () => {
    const edge = await SecureEdge.start({ files: { clientCertificates: 'none' } });
    const args = ['--address', `127.0.0.1:${edge.port}`, '--openssl', 'no-such-program'];
    const { code, err, figures } = await runCommand(main, args);
    expect(code).toBe(exitCodes.notRun);
    expect(err).toContain('NOT RUN');
    expect(figures).toMatchObject({ bad: 0, notRun: 4 });
  });

  it('finds TLS 1.0 and 1.1 at a server that speaks them', async () => {
    const folder = await TlsFolder.make();
    onTestFinished(() => folder[Symbol.dispose]());
    const { certFile, keyFile } = folder.files;
    const server = createServer({
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1',
      ciphers: 'ALL:@SECLEVEL=0',
    });
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, out } = await runCommand(main, ['--address', address, '--openssl', 'no-such-program']);
    expect(out).toMatch(/^bad +ClientHello of TLSv1\.0 is refused: hello$/m);
    expect(out).toMatch(/^bad +ClientHello of TLSv1\.1 is refused: hello$/m);
    expect(code).toBe(exitCodes.bad);
  });

  it('fails where nobody listens', async () => {
    const { code, err } = await runCommand(main, ['--address', '127.0.0.1:1']);
    expect(code).toBe(exitCodes.failed);
    expect(err).toContain('ECONNREFUSED');
  });
});

describe.runIf(installed !== undefined)('the protocols of a listener', () => {
  const openSsl = new OpenSsl('openssl');
  const seenBy = async (port: number, expected: string | undefined) =>
    (await protocols({ host: '127.0.0.1', port }, openSsl, expected)).map(({ result, seen }) => `${result} ${seen}`);

  it('are http/1.1 alone where it takes WebSockets, and mqtt alone where it does not', async () => {
    const webSocket = {
      path: '/mqtt',
      allowedOrigins: [],
      upgradeTimeoutMs: 10_000,
      maxUpgrades: 100,
      observer: new Transports(),
    };
    const files = { clientCertificates: 'none' } as const;
    const sockets = await SecureEdge.start({ files, listener: { webSocket } });
    const mqtt = await SecureEdge.start({ files });
    expect(await seenBy(sockets.port, 'http/1.1')).toEqual(['good http/1.1', 'good refused', 'good none']);
    expect(await seenBy(sockets.port, 'mqtt')).toEqual(['bad refused', 'bad http/1.1', 'good none']);
    expect(await seenBy(mqtt.port, 'mqtt')).toEqual(['good mqtt', 'good refused', 'good none']);
    expect(await seenBy(mqtt.port, undefined)).toEqual(['bad mqtt', 'good none']);
  });

  it('are none where the server passes over what is offered', async () => {
    const folder = await TlsFolder.make();
    onTestFinished(() => folder[Symbol.dispose]());
    const server = createServer({ cert: readFileSync(folder.files.certFile), key: readFileSync(folder.files.keyFile) });
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(await seenBy(port, undefined)).toEqual(['good none', 'good none']);
    expect(await seenBy(port, 'mqtt')).toEqual(['bad none', 'bad none', 'good none']);
  });
});
