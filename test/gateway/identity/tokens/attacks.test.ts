import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { TokenIssuer } from '../../../support/token-issuer.ts';
import { type Connect, nowMs, nowSeconds, TokenScene } from './support.ts';

const bad = { refused: 'bad_credentials' };
const stranger = new TokenIssuer(() => nowMs).addKey('k-1');

type Forgery = (issuer: TokenIssuer) => string | Promise<string>;

const claims =
  (changes: Record<string, unknown>): Forgery =>
  (issuer) =>
    issuer.sign('d', { claims: changes });
const header =
  (changes: Record<string, unknown>): Forgery =>
  (issuer) =>
    issuer.sign('d', { header: changes });
const unsigned =
  (alg: string, kid = 'k-1'): Forgery =>
  (issuer) =>
    issuer.forge('d', { alg, kid }, () => '');

/** HS256 with whatever an attacker can know of a public key as the secret. */
const confused =
  (form: 'pem' | 'der' | 'jwk'): Forgery =>
  (issuer) => {
    const key = issuer.publicKey('r-1');
    const secrets = {
      pem: key.export({ format: 'pem', type: 'spki' }),
      der: key.export({ format: 'der', type: 'spki' }),
      jwk: JSON.stringify(key.export({ format: 'jwk' })),
    };
    return issuer.forge('d', { alg: 'HS256', kid: 'r-1' }, (signed) =>
      createHmac('sha256', secrets[form]).update(signed).digest('base64url'),
    );
  };

const withPart =
  (index: number, change: (part: string) => string): Forgery =>
  async (issuer) => {
    const parts = (await issuer.sign('d')).split('.');
    parts[index] = change(parts[index] ?? '');
    return parts.join('.');
  };
const otherLetter = (part: string): string => (part.startsWith('A') ? 'B' : 'A') + part.slice(1);
const asOther = (): string =>
  Buffer.from(JSON.stringify({ iss: stranger.issuer, aud: stranger.audience, sub: 'd', exp: nowSeconds + 9 })).toString(
    'base64url',
  );

describe('a token is refused like a wrong password, and the operator told why, when', () => {
  it.each<[string, string, Forgery]>([
    ['it says that it needs no signature', 'algorithm_not_allowed', unsigned('none')],
    ['it says so in other letters', 'algorithm_not_allowed', unsigned('nOnE')],
    ['its signature was taken off', 'bad_signature', withPart(2, () => '')],
    ['an HMAC was made with the PEM of a public key', 'algorithm_not_allowed', confused('pem')],
    ['an HMAC was made with the DER of a public key', 'algorithm_not_allowed', confused('der')],
    ['an HMAC was made with the JWK of a public key', 'algorithm_not_allowed', confused('jwk')],
    ['its algorithm is none of those of the list', 'algorithm_not_allowed', header({ alg: 'ES384' })],
    ['its algorithm is a list', 'algorithm_not_allowed', header({ alg: ['ES256'] })],
    ['it names no algorithm', 'algorithm_not_allowed', header({ alg: undefined })],
    ['it names the key of another algorithm', 'unknown_key', header({ kid: 'r-1' })],
    ['it names no key', 'unknown_key', header({ kid: undefined })],
    ['its key id climbs out of a folder', 'unknown_key', header({ kid: '../../../../dev/null' })],
    ['its key id is an address', 'unknown_key', header({ kid: 'http://127.0.0.1/keys' })],
    ['its key id is a query', 'unknown_key', header({ kid: "' UNION SELECT 'k' --" })],
    ['its key id breaks the line', 'unknown_key', header({ kid: 'k-1\r\n{"level":"error"}' })],
    ['its key id is very long', 'unknown_key', header({ kid: 'k'.repeat(2000) })],
    ['its key id is no text', 'unknown_key', header({ kid: { toString: 'k-1' } })],
    ['its key id is a member of every object', 'unknown_key', header({ kid: '__proto__' })],
    ['it brings its own key', 'header_not_allowed', header({ jwk: stranger.entries[0] })],
    ['it says where its key is', 'header_not_allowed', header({ jku: 'https://evil.example/keys' })],
    ['it says where its certificate is', 'header_not_allowed', header({ x5u: 'https://evil.example/cert' })],
    ['it brings its own certificate', 'header_not_allowed', header({ x5c: ['MIIB'] })],
    ['it demands an extension', 'header_not_allowed', header({ crit: ['exp'], exp: 1 })],
    ['its payload is not encoded', 'header_not_allowed', header({ b64: false, crit: ['b64'] })],
    ['somebody else signed it under the same key id', 'bad_signature', () => stranger.sign('d')],
    ['a letter of its signature was changed', 'bad_signature', withPart(2, otherLetter)],
    ['its claims were exchanged', 'bad_signature', withPart(1, asOther)],
    ['its header is no JSON', 'malformed', withPart(0, () => 'ew')],
    ['its header is not UTF-8', 'malformed', withPart(0, () => Buffer.from('7bff7d', 'hex').toString('base64url'))],
    ['its claims are no JSON', 'malformed', (issuer) => issuer.sign('d', { payload: 'text' })],
    ['its claims are a list', 'malformed', (issuer) => issuer.sign('d', { payload: '[]' })],
    ['its issuer is another', 'wrong_issuer', claims({ iss: 'https://evil.example' })],
    ['it has no issuer', 'wrong_issuer', claims({ iss: undefined })],
    ['it is for somebody else', 'wrong_audience', claims({ aud: ['console', 'reports'] })],
    ['it is for nobody', 'wrong_audience', claims({ aud: undefined })],
    ['it has expired', 'expired', claims({ exp: nowSeconds - 30 })],
    ['it is not valid yet', 'not_yet_valid', claims({ nbf: nowSeconds + 31 })],
    ['it was issued in the future', 'not_yet_valid', claims({ iat: nowSeconds + 31 })],
    ['it never expires', 'no_expiry', claims({ exp: undefined })],
    ['its end is no number', 'no_expiry', claims({ exp: '9999999999' })],
    ['it lives too long', 'lifetime_too_long', claims({ exp: nowSeconds + 3601 })],
    ['it has lived too long', 'lifetime_too_long', claims({ iat: nowSeconds - 3500, exp: nowSeconds + 101 })],
    ['it lives too long and hides when it was issued', 'lifetime_too_long', claims({ iat: undefined, exp: 9e12 })],
    ['its end is beyond all numbers', 'lifetime_too_long', endless],
    ['it names no device', 'no_device', claims({ sub: undefined })],
    ['it names what can be no device', 'no_device', claims({ sub: 'd/../other' })],
    ['it names a device by a number', 'no_device', claims({ sub: 7 })],
  ])('%s (%s)', async (_what, reason, forge) => {
    using scene = await TokenScene.open();
    expect(await scene.connect(await forge(scene.issuer))).toEqual(bad);
    expect(scene.log.seen).toEqual([`${reason} d`]);
  });

  it.each<[string, string, string, Connect]>([
    ['the user name is of another device', 'wrong_device other', 'd', { username: 'other', clientId: 'd' }],
    ['the client identifier is of another device', 'wrong_device d', 'd', { clientId: 'other' }],
    ['the client identifier only begins like the device', 'wrong_device d', 'd', { clientId: 'd/1' }],
    ['there is no user name', 'wrong_device', 'd', { username: null }],
    ['the user name is empty', 'wrong_device', 'd', { username: '', clientId: 'd' }],
    [
      'the user name can be no id, which is not logged either',
      'wrong_device',
      'd',
      { username: 'd\r\n', clientId: 'd' },
    ],
    ['its device is not registered', 'unknown_device gone', 'gone', { username: 'gone' }],
    ['its device is disabled', 'disabled_device off', 'off', { username: 'off' }],
  ])('%s', async (_what, told, deviceId, connect) => {
    using scene = await TokenScene.open();
    expect(await scene.connect(await scene.issuer.sign(deviceId), connect)).toEqual(bad);
    expect(scene.log.seen).toEqual([told]);
  });

  it('it is longer than a token may be, whatever it holds', async () => {
    using scene = await TokenScene.open();
    expect(await scene.connect(await scene.issuer.sign('d', { claims: { filler: 'x'.repeat(4096) } }))).toEqual(bad);
    expect(await scene.connect(`${'['.repeat(15_000)}`)).toEqual(bad);
    expect(scene.log.seen).toEqual(['too_large d', 'too_large d']);
  });

  it('it is none at all, and secrets are not taken', async () => {
    using scene = await TokenScene.open();
    for (const password of ['right', '', 'a.b.c', 'eyJh.eyJh', `${await scene.issuer.sign('d')}.x.y`]) {
      expect(await scene.connect(password)).toEqual(bad);
    }
    expect(new Set(scene.log.seen)).toEqual(new Set(['not_a_token d']));
  });
});

/** JSON can write a number that is read as infinite. */
function endless(issuer: TokenIssuer): Promise<string> {
  const payload = `{"iss":"${issuer.issuer}","aud":"${issuer.audience}","sub":"d","exp":1e999}`;
  return issuer.sign('d', { payload });
}
