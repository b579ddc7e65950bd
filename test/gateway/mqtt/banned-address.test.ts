import { expect, it, onTestFinished } from 'vitest';
import { Authenticator } from '../../../gateway/identity/authenticator.ts';
import { makeAdmission } from '../core/limits/support.ts';
import { makeDevice, RegistryFolder } from '../identity/devices.ts';
import { verifyOnThreads } from '../identity/hashing.ts';
import { dial, type Edge, startEdge, until } from './support.ts';

const banned = 0x9f;
/** Enough for all sockets here: time stands still. */
const socketsPerSecond = 10_000;

async function scene(bannedPerMinute: number) {
  const folder = new RegistryFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  const registry = folder.open();
  for (const id of ['honest', 'r0', 'r1', 'r2']) await registry.add(await makeDevice(id, 'right'));
  const verified: string[] = [];
  const authenticator = new Authenticator({
    verifySecret: verifyOnThreads,
    registry,
    cache: { maxEntries: 100, ttlSeconds: 3600 },
    hashConcurrency: 1,
    hashQueueMax: 10,
    bannedPerMinute,
    observer: {
      authenticated: () => {},
      refused: () => {},
      bannedVerified: (verdict) => void verified.push(verdict),
      registryFailed: () => {},
    },
  });
  const { admission, events } = makeAdmission({ bans: { namesPerAddress: 5, failuresPerLogin: 3, socketsPerSecond } });
  const edge = await startEdge({ admission, authenticate: (credentials) => authenticator.authenticate(credentials) });
  return { edge, events, verified };
}

async function logIn(edge: Edge, username: string, password: string): Promise<number | undefined> {
  const client = dial(edge, { username, clientId: username, password: Buffer.from(password) });
  await until(() => client.packets.length > 0 || client.closed, 'an answer');
  const [packet] = client.packets;
  return packet?.cmd === 'connack' ? packet.reasonCode : undefined;
}

it('a device gets in though its address is banned and others there go on guessing, also at devices that there are', async () => {
  const { edge, events, verified } = await scene(60_000);
  for (let i = 0; i < 5; i += 1) expect(await logIn(edge, `unknown-${i}`, 'guess')).toBe(0x86);
  expect(events.seen).toEqual(['banned address 127.0.0.1']);
  let guesses = 0;
  const guess = async (): Promise<void> => {
    const names = ['r0', 'r1', 'r2', `unknown-${guesses}`];
    for (const name of names) {
      guesses += 1;
      expect(await logIn(edge, name, `guess ${guesses}`)).toBe(banned);
    }
  };
  let tries = 1;
  for (await guess(); (await logIn(edge, 'honest', 'right')) !== 0; tries += 1) {
    // Every name that there is has its turn before any has a second one: with four of them, none waits for longer.
    const before = verified.length;
    await guess();
    await until(() => verified.length > before, 'one to be verified');
    expect(tries).toBeLessThan(10);
  }
  expect(tries).toBeGreaterThan(1);
  // The ban has not ended for that, nor has anybody who guesses learned anything.
  expect(await logIn(edge, 'unknown', 'guess')).toBe(banned);
  expect(await logIn(edge, 'r0', 'guess')).toBe(banned);
});

it('a device gets in though somebody at its address guesses at this very device, and has it banned there', async () => {
  const { edge, events, verified } = await scene(60_000);
  for (let i = 0; i < 3; i += 1) expect(await logIn(edge, 'honest', `guess ${i}`)).toBe(0x86);
  expect(events.seen).toEqual(['banned login 127.0.0.1']);
  expect(await logIn(edge, 'honest', 'guess')).toBe(banned);
  expect(await logIn(edge, 'honest', 'right')).toBe(banned);
  await until(() => verified.includes('right'), 'the right password to be verified');
  expect(await logIn(edge, 'honest', 'guess')).toBe(banned);
  expect(await logIn(edge, 'honest', 'right')).toBe(0);
});

it('wrong passwords of banned logins make no ban longer', async () => {
  const { edge, events, verified } = await scene(60_000);
  for (let i = 0; i < 5; i += 1) await logIn(edge, `unknown-${i}`, 'guess');
  edge.monotonicMs += 59_999;
  expect(await logIn(edge, 'r0', 'guess')).toBe(banned);
  await until(() => verified.length === 1, 'the guess to be verified');
  expect(verified).toEqual(['wrong']);
  edge.monotonicMs += 1;
  expect(await logIn(edge, 'honest', 'right')).toBe(0);
  expect(events.count('banned')).toBe(1);
});
