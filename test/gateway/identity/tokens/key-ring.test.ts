import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KeyRing } from '../../../../gateway/identity/tokens/key-ring.ts';
import type { KeySource } from '../../../../gateway/identity/tokens/key-source.ts';
import { KeyServer } from '../../../support/key-server.ts';
import { TokenIssuer } from '../../../support/token-issuer.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { TokenLog, TokenScene } from './support.ts';

const deadline = { deadlineMs: 15_000 };
const bad = { refused: 'bad_credentials' };

/** A scene whose key set is served, and what it serves at first. */
async function served(changes: Partial<KeySource> = {}) {
  let text = '';
  const server = await KeyServer.start(() => text);
  const source = { file: '', url: server.url, timeoutMs: 5000, maxBytes: 65_536, ...changes };
  const scene = await TokenScene.open({ source });
  onTestFinished(async () => {
    scene[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  const publish = (now: string = scene.issuer.jwks): void => {
    text = now;
  };
  publish();
  await scene.verifier.keys.read();
  scene.log.seen.length = 0;
  server.requests = 0;
  return { scene, server, publish };
}

describe('a key that is not known yet', () => {
  it('is fetched for the first token that names it, which is let in', async () => {
    const { scene, server, publish } = await served();
    scene.issuer.addKey('new');
    publish();
    scene.monotonicMs += 30_000;
    const token = await scene.issuer.sign('d', { keyId: 'new' });
    expect(await scene.connect(token)).toHaveProperty('identity');
    expect(await scene.connect(token)).toHaveProperty('identity');
    expect(server.requests).toBe(1);
  });

  it('that nobody has causes one request in a while, however many tokens name how many of them', async () => {
    const { scene, server } = await served();
    const attack = async (count: number) => {
      const tokens = Array.from({ length: count }, (_, i) =>
        scene.issuer.sign('d', { header: { kid: `../${i}/${scene.monotonicMs}` } }),
      );
      return Promise.all((await Promise.all(tokens)).map((token) => scene.connect(token)));
    };
    await attack(50);
    expect(server.requests).toBe(0);
    scene.monotonicMs += 30_000;
    for (const result of await attack(90)) expect(result).toEqual(bad);
    await attack(50);
    expect(server.requests).toBe(1);
    // Nor does it keep those out who have a key.
    expect(await scene.connect(await scene.issuer.sign('d'))).toHaveProperty('identity');
  });

  it('is not looked for where it can be none', async () => {
    const { scene, server } = await served();
    scene.monotonicMs += 30_000;
    for (const kid of ['', 'k\r\n', 'k\0', 'k'.repeat(257), 'clé', 7, null, undefined]) {
      expect(await scene.connect(await scene.issuer.sign('d', { header: { kid } }))).toEqual(bad);
    }
    expect(server.requests).toBe(0);
  });
});

describe('while the key set can not be had', () => {
  it.each<[string, string, (server: KeyServer) => void]>([
    ['is gone', 'keys_unreadable', (server) => answerWith(server, 404, '')],
    ['fails', 'keys_unreadable', (server) => answerWith(server, 500, '{"keys":[]}')],
    ['is elsewhere', 'keys_unreadable', redirect],
    ['breaks off', 'keys_unreadable', breakOff],
    ['never comes', 'keys_unreadable', never],
    ['is no JSON', 'keys_malformed', (server) => answerWith(server, 200, '<html>')],
    ['is no key set', 'keys_malformed', (server) => answerWith(server, 200, '{"keys":{}}')],
    ['holds no keys', 'keys_unusable', (server) => answerWith(server, 200, '{"keys":[]}')],
    ['never ends', 'keys_too_large', endless],
  ])('because it %s, the last good keys stay, and the operator is told (%s)', async (_what, code, harm) => {
    const { scene, server, publish } = await served({ timeoutMs: 500 });
    const healthy = server.answer;
    harm(server);
    await scene.verifier.keys.read();
    expect(scene.log.seen).toEqual([code]);
    expect(await scene.connect(await scene.issuer.sign('d'))).toHaveProperty('identity');

    scene.issuer.addKey('new');
    publish();
    server.answer = healthy;
    await scene.verifier.keys.read();
    expect(scene.log.seen).toEqual([code, 'read 3, ignored 0']);
    expect(await scene.connect(await scene.issuer.sign('d', { keyId: 'new' }))).toHaveProperty('identity');
  });

  it('as a file that was taken away or overwritten the same holds', async () => {
    using scene = await TokenScene.open();
    scene.publish('{"keys":');
    await scene.verifier.keys.read();
    scene.publish(' '.repeat(70_000));
    await scene.verifier.keys.read();
    expect(scene.log.seen).toEqual(['keys_malformed', 'keys_too_large']);
    expect(await scene.connect(await scene.issuer.sign('d'))).toHaveProperty('identity');
  });
});

describe('the key set', () => {
  it('is read again by itself, sooner after a failure', async () => {
    const issuer = new TokenIssuer().addKey('k-1');
    await using server = await KeyServer.start(() => issuer.jwks);
    const log = new TokenLog();
    const source = { file: '', url: server.url, timeoutMs: 5000, maxBytes: 65_536 };
    const options = { source, algorithms: ['ES256'] as const, observer: log };
    const ring = new KeyRing({ ...options, refreshMs: 10, retryMs: 3_600_000 });
    await ring.read();
    issuer.addKey('new');
    await waitFor(() => ring.size === 2, { ...deadline, what: 'the new key to be read' });
    issuer.removeKey('k-1');
    await waitFor(() => ring.find('ES256', 'k-1') === undefined, { ...deadline, what: 'the old key to be gone' });
    ring.close();

    const impatient = new KeyRing({ ...options, refreshMs: 3_600_000, retryMs: 10 });
    const healthy = server.answer;
    answerWith(server, 503, '');
    await impatient.read();
    expect(impatient.hasKeys).toBe(false);
    server.answer = healthy;
    await waitFor(() => impatient.hasKeys, { ...deadline, what: 'the keys to be read after all' });
    impatient.close();
  });

  it('is read no more once it is closed, also when a reading was under way', async () => {
    using scene = await TokenScene.open();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const source = { file: scene.keysFile, url: '', timeoutMs: 1000, maxBytes: 65_536 };
    const ring = new KeyRing({ source, algorithms: ['ES256'], observer: scene.log, refreshMs: 1000, retryMs: 1000 });
    await ring.read();
    expect(vi.getTimerCount()).toBe(1);
    const reading = ring.read();
    ring.close();
    await reading;
    expect(vi.getTimerCount()).toBe(0);
  });
});

function answerWith(server: KeyServer, status: number, body: string): void {
  server.answer = (_request, response) => void response.writeHead(status).end(body);
}

/** To where the keys are: following it would succeed. */
function redirect(server: KeyServer): void {
  const { answer } = server;
  server.answer = (request, response) => {
    if (request.url === '/moved') answer(request, response);
    else response.writeHead(302, { location: '/moved' }).end();
  };
}

function breakOff(server: KeyServer): void {
  server.answer = (request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{"keys"', () => void request.socket.destroy());
  };
}

function never(server: KeyServer): void {
  server.answer = () => {};
}

function endless(server: KeyServer): void {
  server.answer = (_request, response) => {
    const chunk = Buffer.alloc(16_384, ' ');
    const write = (error?: Error | null): void => {
      if (!error) response.write(chunk, write);
    };
    write();
  };
}
