import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { HashThreads } from '../../../gateway/identity/hash-threads.ts';
import { hashSecret, parseSecretHash, type SecretHash } from '../../../gateway/identity/secret-hash.ts';

const cost = { N: 1024, r: 8, p: 1 };
const stored = parseSecretHash(await hashSecret('right', cost)) as SecretHash;
const right = Buffer.from('right');
const wrong = Buffer.from('wrong');
const threads = new HashThreads();
afterEach(() => threads.close());

/** Nice values of this process's threads, by `proc(5)`: the 19th field of stat, counted from 1. */
const niceValues = () =>
  readdirSync('/proc/self/task').map((thread) => {
    const behindName = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').split(') ').at(-1) ?? '';
    return Number(behindName.split(' ')[16]);
  });

describe('threads that hash', () => {
  it('say whether it is the secret, several at once, and are used again', async () => {
    const atOnce = [right, wrong, right].map((secret) => threads.verify(secret, stored));
    expect(await Promise.all(atOnce)).toEqual([true, false, true]);
    expect(threads.size).toBe(3);
    for (const secret of [right, wrong]) expect(await threads.verify(secret, stored)).toBe(secret === right);
    expect(threads.size).toBe(3);
  });

  it.runIf(process.platform === 'linux')('give way to everything else', async () => {
    const usual = Math.min(...niceValues());
    const before = niceValues().filter((nice) => nice > usual).length;
    await Promise.all([threads.verify(right, stored), threads.verify(right, stored)]);
    const now = niceValues();
    expect(now.filter((nice) => nice > usual)).toHaveLength(before + 2);
    expect(now.filter((nice) => nice === usual).length).toBeGreaterThan(2);
  });

  it('say what is wrong with a hash that cannot be computed, and go on', async () => {
    const impossible = { ...stored, cost: { ...cost, N: 1000 } };
    await expect(threads.verify(right, impossible)).rejects.toThrow(/scrypt/i);
    expect(await threads.verify(right, stored)).toBe(true);
    expect(threads.size).toBe(1);
  });

  it('finish what they are at before they are ended, and others take their place', async () => {
    const last = threads.verify(right, stored);
    await threads.close();
    expect(await last).toBe(true);
    expect(threads.size).toBe(0);
    expect(await threads.verify(right, stored)).toBe(true);
  });

  it.each([
    ['end', 'process.exit(1)', /its thread has ended/],
    ['fail', 'throw new Error("planted")', /planted/],
  ])('are given up when they %s by themselves, with what they were at', async (_what, program, message) => {
    const failing = new HashThreads(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
    await expect(failing.verify(right, stored)).rejects.toThrow(message);
    await failing.close();
    expect(failing.size).toBe(0);
  });
});
