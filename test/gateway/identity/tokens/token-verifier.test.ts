import { describe, expect, it } from 'vitest';
import { KeyServer } from '../../../support/key-server.ts';
import { nowMs, nowSeconds, TokenScene } from './support.ts';

const identity = { deviceId: 'd', kind: 'vehicle', boundTo: 'veh-d' };
const bad = { refused: 'bad_credentials' };

describe('a good token', () => {
  it.each(['ES256', 'RS256', 'PS256', 'EdDSA'] as const)(
    'signed with %s lets its device in, as what the registry says, until it expires',
    async (algorithm) => {
      using scene = await TokenScene.open();
      scene.issuer.addKey('new', algorithm);
      scene.publish();
      await scene.verifier.keys.read();
      const token = await scene.issuer.sign('d', { keyId: 'new' });
      expect(await scene.connect(token)).toEqual({ identity, expiresAtMs: nowMs + 600_000 });
    },
  );

  it('counts as often as it is shown, and no longer than its device is enabled', async () => {
    using scene = await TokenScene.open();
    const token = await scene.issuer.sign('d');
    await scene.connect(token);
    expect(await scene.connect(token)).toHaveProperty('identity');
    await scene.registry.change('d', { enabled: false });
    expect(await scene.connect(token)).toEqual(bad);
    await scene.registry.remove('d');
    expect(await scene.connect(token)).toEqual(bad);
    expect(scene.log.seen).toEqual(['disabled_device d', 'unknown_device d']);
  });

  it('counts a little longer for clocks that differ, to the end of that leeway', async () => {
    using scene = await TokenScene.open();
    const token = await scene.issuer.sign('d', { claims: { exp: nowSeconds - 10 } });
    expect(await scene.connect(token)).toEqual({ identity, expiresAtMs: nowMs + 20_000 });
    const early = await scene.issuer.sign('d', { claims: { nbf: nowSeconds + 30, iat: nowSeconds + 30 } });
    expect(await scene.connect(early)).toHaveProperty('identity');
  });

  it('may be for several, the gateway among them', async () => {
    using scene = await TokenScene.open();
    const token = await scene.issuer.sign('d', { claims: { aud: ['console', scene.issuer.audience] } });
    expect(await scene.connect(token)).toHaveProperty('identity');
  });

  it('may name its device in a claim of its own', async () => {
    using scene = await TokenScene.open({ deviceClaim: 'https://fleet.example/device' });
    const claims = { sub: 'somebody', 'https://fleet.example/device': 'd' };
    expect(await scene.connect(await scene.issuer.sign('d', { claims }))).toHaveProperty('identity');
    expect(await scene.connect(await scene.issuer.sign('d'))).toEqual(bad);
  });

  it('is not remembered: once its key is withdrawn it counts no more', async () => {
    using scene = await TokenScene.open();
    const token = await scene.issuer.sign('d');
    expect(await scene.connect(token)).toHaveProperty('identity');
    scene.issuer.removeKey('k-1');
    scene.publish();
    await scene.verifier.keys.read();
    expect(await scene.connect(token)).toEqual(bad);
    expect(scene.log.seen.at(-1)).toBe('unknown_key d');
  });
});

describe('what a token must agree with', () => {
  it('may leave the user name out where that is optional, but never differ from it', async () => {
    using scene = await TokenScene.open({ userName: 'optional' });
    const token = await scene.issuer.sign('d');
    expect(await scene.connect(token, { username: null, clientId: 'd' })).toHaveProperty('identity', identity);
    expect(await scene.connect(token, { username: '', clientId: 'd' })).toHaveProperty('identity', identity);
    expect(await scene.connect(token, { username: 'other', clientId: 'd' })).toEqual(bad);
  });

  it('may be a client identifier that begins with the device, where several connections are wanted', async () => {
    using scene = await TokenScene.open({ clientId: 'prefixed' });
    const token = await scene.issuer.sign('d');
    expect(await scene.connect(token, { clientId: 'd' })).toHaveProperty('identity');
    expect(await scene.connect(token, { clientId: 'd/cabin' })).toHaveProperty('identity');
    for (const clientId of ['d2', 'd2/cabin', 'other', 'other/d', '']) {
      expect(await scene.connect(token, { clientId })).toEqual(bad);
    }
  });

  it('may be no client identifier at all, where any is allowed', async () => {
    using scene = await TokenScene.open({ clientId: 'any' });
    expect(await scene.connect(await scene.issuer.sign('d'), { clientId: 'x' })).toHaveProperty('identity', identity);
  });
});

describe('a listener that takes either', () => {
  it('lets in by secret and by token, each for itself', async () => {
    using scene = await TokenScene.open({}, 'either');
    expect(await scene.connect('right')).toEqual({ identity });
    expect(await scene.connect(await scene.issuer.sign('d'))).toHaveProperty('expiresAtMs');
    expect(scene.log.seen).toEqual([]);
  });

  it('takes nothing that looks like a token for a secret, and computes no hash for it', async () => {
    using scene = await TokenScene.open({}, 'either');
    const forged = scene.issuer.forge('d', { alg: 'none' }, () => '');
    const connecting = scene.connect(forged);
    expect(scene.authenticator.pending).toBe(0);
    expect(await connecting).toEqual(bad);
    expect(await scene.connect('x'.repeat(5000))).toEqual(bad);
    expect(scene.log.seen).toEqual(['algorithm_not_allowed d', 'too_large d']);
  });
});

describe('a listener that takes secrets only', () => {
  it('has a genuine token refused as a wrong secret', async () => {
    using scene = await TokenScene.open({}, 'secret');
    expect(await scene.connect(await scene.issuer.sign('d'))).toEqual(bad);
    expect(await scene.connect('right')).toEqual({ identity });
    expect(scene.log.seen).toEqual([]);
  });
});

describe('the verification of signatures', () => {
  it('is refused to more than may wait, and only to them', async () => {
    using scene = await TokenScene.open({ verifyConcurrency: 1, verifyQueueMax: 2 });
    const token = await scene.issuer.sign('d');
    const results = await Promise.all([0, 1, 2, 3, 4].map(() => scene.connect(token)));
    expect(results.map((result) => ('refused' in result ? result.refused : 'in'))).toEqual([
      'in',
      'in',
      'in',
      'server_busy',
      'server_busy',
    ]);
    expect(scene.verifier.pending).toBe(0);
    expect(await scene.connect(token)).toHaveProperty('identity');
  });

  it('is not held up by tokens that wait for a key', async () => {
    let published = '';
    await using server = await KeyServer.start(() => published);
    const source = { file: '', url: server.url, timeoutMs: 60_000, maxBytes: 65_536 };
    using scene = await TokenScene.open({ source, verifyConcurrency: 1, verifyQueueMax: 2 });
    published = scene.issuer.jwks;
    await scene.verifier.keys.read();
    // From here on the key set takes its time.
    const held = Promise.withResolvers<void>();
    server.answer = (_request, response) => void held.promise.then(() => response.end(scene.issuer.jwks));
    scene.issuer.addKey('new');
    scene.monotonicMs += 30_000;
    const token = await scene.issuer.sign('d', { keyId: 'new' });
    const waiting = [scene.connect(token), scene.connect(token)];
    expect(scene.verifier.pending).toBe(2);
    expect(await scene.connect(token)).toEqual({ refused: 'server_busy' });
    expect(await scene.connect(await scene.issuer.sign('d'))).toHaveProperty('identity');
    held.resolve();
    for (const result of await Promise.all(waiting)) expect(result).toHaveProperty('identity');
  });

  it('answers that it is unavailable while no key could ever be read', async () => {
    using scene = await TokenScene.open({
      source: { file: '/nowhere/jwks.json', url: '', timeoutMs: 1000, maxBytes: 65_536 },
    });
    expect(await scene.connect(await scene.issuer.sign('d'))).toEqual({ refused: 'server_unavailable' });
    expect(scene.log.seen).toEqual([]);
  });
});
