import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decoyHash,
  generateSecret,
  hashSecret,
  isAllowedCost,
  parseSecretHash,
  type SecretHash,
  simulationCost,
  verifySecret,
} from '../../../gateway/identity/secret-hash.ts';

const salt = Buffer.alloc(16).toString('base64');
const hash = Buffer.alloc(32).toString('base64');

describe('a secret hash', () => {
  it('is matched by its secret, of any bytes, and by no other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), async (secret, other) => {
        const stored = parseSecretHash(await hashSecret(secret, simulationCost)) as SecretHash;
        expect(verifySecret(secret, stored)).toBe(true);
        expect(verifySecret(other, stored)).toBe(Buffer.from(secret).equals(other));
      }),
      { numRuns: 50 },
    );
  });

  it('carries its cost and a salt of its own', async () => {
    const [one, two] = [await hashSecret('s', simulationCost), await hashSecret('s', simulationCost)];
    expect(one).toMatch(/^scrypt\$16\$1\$1\$[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}$/);
    expect(two).not.toBe(one);
  });

  // RFC 7914, section 12, third vector: an outside witness that the parameters mean what they should.
  it('is that of the standard', async () => {
    const expected =
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887';
    const text = `scrypt$16384$8$1$${Buffer.from('SodiumChloride').toString('base64')}$${Buffer.from(expected, 'hex').toString('base64')}`;
    expect(verifySecret(Buffer.from('pleaseletmein'), parseSecretHash(text) as SecretHash)).toBe(true);
  });

  it.each([
    ['gigabytes', `scrypt$1048576$8$1$${salt}$${hash}`],
    ['gigabytes through r', `scrypt$1024$9999$1$${salt}$${hash}`],
    ['minutes', `scrypt$65536$8$9999$${salt}$${hash}`],
    ['an N that is no power of two', `scrypt$1000$8$1$${salt}$${hash}`],
    ['an N of one', `scrypt$1$8$1$${salt}$${hash}`],
    ['an N of zero', `scrypt$0$8$1$${salt}$${hash}`],
    ['another scheme', `argon2id$16$1$1$${salt}$${hash}`],
    ['no salt', `scrypt$16$1$1$$${hash}`],
    ['a short hash', `scrypt$16$1$1$${salt}$AAAA`],
    ['a hash of kilobytes', `scrypt$16$1$1$${salt}$${'A'.repeat(4000)}`],
    ['something behind it', `scrypt$16$1$1$${salt}$${hash}$`],
    ['nothing', ''],
  ])('that asks for %s is not used', (_what, text) => {
    expect(parseSecretHash(text)).toBeUndefined();
  });

  it('of a decoy is matched by nothing', async () => {
    expect(verifySecret(Buffer.from('s'), decoyHash(simulationCost))).toBe(false);
  });

  it('may cost what the command allows', () => {
    expect(isAllowedCost({ N: 65_536, r: 8, p: 1 })).toBe(true);
    expect(isAllowedCost({ N: 131_072, r: 8, p: 1 })).toBe(false);
  });
});

describe('a generated secret', () => {
  it('has 128 bits and needs no quoting', () => {
    expect(generateSecret()).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(generateSecret()).not.toBe(generateSecret());
  });
});
