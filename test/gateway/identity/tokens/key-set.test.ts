import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { defaultTokenAlgorithms } from '../../../../gateway/core/token-algorithms.ts';
import { KeySet } from '../../../../gateway/identity/tokens/key-set.ts';
import { TokenIssuer } from '../../../support/token-issuer.ts';

const issuer = new TokenIssuer().addKey('good');
const good = issuer.entries[0];
const parse = (keys: readonly unknown[]) => KeySet.parse(JSON.stringify({ keys }), defaultTokenAlgorithms);

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
const publicJwk = (modulusLength: number) => rsa(modulusLength).publicKey.export({ format: 'jwk' });

describe('a key set', () => {
  it('gives each key to the algorithms that it can serve, or to the one that it names', async () => {
    const set = await parse([
      good,
      { ...publicJwk(2048), kid: 'both' },
      { ...publicJwk(2048), kid: 'one', alg: 'PS256' },
    ]);
    expect([set.size, set.ignored]).toEqual([4, 0]);
    expect(set.find('ES256', 'good')).toBeDefined();
    expect(set.find('RS256', 'both')).toBeDefined();
    expect(set.find('PS256', 'both')).toBeDefined();
    expect(set.find('RS256', 'one')).toBeUndefined();
    expect(set.find('RS256', 'good')).toBeUndefined();
    expect(set.find('EdDSA', 'good')).toBeUndefined();
  });

  it.each<[string, object]>([
    ['for encryption', { ...good, kid: 'x', use: 'enc' }],
    ['for signing', { ...good, kid: 'x', key_ops: ['sign'] }],
    ['without an id', { ...good, kid: undefined }],
    ['with an id that is no text', { ...good, kid: 5 }],
    ['of an algorithm that is not allowed', { ...new TokenIssuer().addKey('x', 'ES384').entries[0] }],
    ['that names another algorithm than its own', { ...good, kid: 'x', alg: 'RS256' }],
    ['that is secret', { kty: 'oct', kid: 'x', alg: 'HS256', k: randomBytes(32).toString('base64url') }],
    ['that is secret and claims to be public', { ...good, kid: 'x', k: randomBytes(32).toString('base64url') }],
    ['that is private', { ...rsa(2048).privateKey.export({ format: 'jwk' }), kid: 'x' }],
    ['that is weak', { ...publicJwk(1024), kid: 'x' }],
    ['that lies on no curve', { ...good, kid: 'x', y: Buffer.alloc(32, 7).toString('base64url') }],
    ['that is not whole', { kty: 'EC', crv: 'P-256', kid: 'x' }],
    ['of an unknown type', { kty: 'NTRU', kid: 'x' }],
  ])('leaves a key out %s, and keeps the others', async (_what, entry) => {
    const set = await parse([entry, good]);
    expect([set.size, set.ignored]).toEqual([1, 1]);
    expect(set.find('ES256', 'good')).toBeDefined();
  });

  it('takes the first of two keys with one id', async () => {
    const set = await parse([good, { ...new TokenIssuer().addKey('good').entries[0] }]);
    expect([set.size, set.ignored]).toEqual([1, 1]);
  });

  it.each([
    ['keys_malformed', 'null'],
    ['keys_malformed', '[]'],
    ['keys_malformed', '{"keys":[1]}'],
    ['keys_malformed', JSON.stringify({ keys: Array.from({ length: 101 }, () => good) })],
    ['keys_unusable', '{"keys":[{"kty":"oct","kid":"x","k":"canary-secret"}]}'],
    ['keys_malformed', '{"keys":"canary-secret'],
  ])('is refused with %s when it is %j, without a word of its content', async (code, text) => {
    const refusal: unknown = await KeySet.parse(text, defaultTokenAlgorithms).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'TokenKeysError', code });
    expect(String(refusal)).not.toContain('canary');
  });
});
