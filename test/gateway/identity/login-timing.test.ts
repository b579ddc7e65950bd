import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { Authenticator } from '../../../gateway/identity/authenticator.ts';
import { HashThreads } from '../../../gateway/identity/hash-threads.ts';
import { hashSecret } from '../../../gateway/identity/secret-hash.ts';
import { makeDevice, RegistryFolder } from './devices.ts';

const threads = new HashThreads();
afterAll(() => threads.close());
const verify = vi.spyOn(threads, 'verify');

/** Some 5 ms a hash: much more than everything else that a login costs. */
const cost = { N: 2048, r: 8, p: 1 };
const samples = 60;
/** How far quantiles of the two may be apart: a skipped hash makes it a hundred. */
const mostRatio = 2;

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(share * (sorted.length - 1))] as number;

afterEach(() => void verify.mockClear());

/** One device, and logins of it and of others, one after the other. */
async function setUp(folder: RegistryFolder) {
  const registry = folder.open();
  await registry.add(await makeDevice('known', 'right', { secretHash: await hashSecret('right', cost) }));
  const authenticator = new Authenticator({
    registry,
    cache: { maxEntries: 1000, ttlSeconds: 3600 },
    hashConcurrency: 1,
    hashQueueMax: 10,
    verifySecret: (secret, stored) => threads.verify(secret, stored),
    observer: { authenticated: () => {}, refused: () => {}, bannedVerified: () => {}, registryFailed: () => {} },
  });
  const login = async (username: string, password: string): Promise<{ answer: string; ms: number }> => {
    const credentials = {
      username,
      password: Buffer.from(password),
      clientId: 'c',
      listener: 'l',
      auth: 'registry',
      accepts: 'secret',
    } as const;
    const startedAtMs = performance.now();
    const answer = await authenticator.authenticate({ ...credentials, auth: 'registry' });
    return { answer: JSON.stringify(answer), ms: performance.now() - startedAtMs };
  };
  // What a hash costs in this registry is known from the first one on.
  await login('known', 'first');
  verify.mockClear();
  return login;
}

describe('an unknown user and a wrong password', () => {
  it('get the same answer for the same work: one hash of the same cost, and none when they repeat it', async () => {
    using folder = new RegistryFolder();
    const login = await setUp(folder);
    const hashes = () => verify.mock.calls.map(([, hash]) => [hash.cost, hash.hash.byteLength]);
    const wrong = await login('known', 'wrong');
    const wrongHashes = hashes();
    verify.mockClear();
    const unknown = await login('unknown', 'wrong');
    expect(unknown.answer).toBe(wrong.answer);
    expect(wrongHashes).toEqual([[cost, 32]]);
    expect(hashes()).toEqual(wrongHashes);
    verify.mockClear();
    for (const name of ['known', 'unknown']) expect((await login(name, 'wrong')).answer).toBe(wrong.answer);
    expect(hashes()).toEqual([]);
  });

  it('take times of the same distribution', async () => {
    using folder = new RegistryFolder();
    const login = await setUp(folder);
    const times: { readonly wrong: number[]; readonly unknown: number[] } = { wrong: [], unknown: [] };
    // In turn, so that whatever else the machine does meets both.
    for (let i = 0; i < samples; i += 1) {
      times.wrong.push((await login('known', `wrong-${i}`)).ms);
      times.unknown.push((await login(`unknown-${i}`, `wrong-${i}`)).ms);
    }
    expect(verify).toHaveBeenCalledTimes(2 * samples);
    const wrong = times.wrong.sort((a, b) => a - b);
    const unknown = times.unknown.sort((a, b) => a - b);
    for (const share of [0.1, 0.25, 0.5, 0.75]) {
      const ratio = quantile(unknown, share) / quantile(wrong, share);
      expect(ratio).toBeGreaterThan(1 / mostRatio);
      expect(ratio).toBeLessThan(mostRatio);
    }
  });
});
