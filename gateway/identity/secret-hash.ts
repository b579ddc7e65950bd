import { randomBytes, type ScryptOptions, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** Cost of one hash (RFC 7914, section 2): memory is 128·N·r bytes, work grows with N·r·p. */
export interface ScryptCost {
  /** A power of two. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 16 MiB and some 50 ms per hash. */
export const defaultCost: ScryptCost = { N: 16_384, r: 8, p: 1 };

/**
 * For fleets of simulated devices. Stretching protects guessable secrets; those that the gateway makes have 128 random
 * bits and need none.
 */
export const simulationCost: ScryptCost = { N: 16, r: 1, p: 1 };

const saltBytes = 16;
const hashBytes = 32;
const largestMemoryBytes = 64 * 1024 * 1024;
/** Eight times the work of the default cost. */
const mostWork = 2 ** 20;

export interface SecretHash {
  readonly cost: ScryptCost;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

type Scrypt = (
  secret: Uint8Array | string,
  salt: Uint8Array,
  length: number,
  options: ScryptOptions,
) => Promise<Buffer>;

/** Runs on libuv's threads; the event loop goes on. */
const scryptOnThread: Scrypt = promisify(scrypt);

/** Whether a cost is sane and within limits: a hostile hash must not ask for gigabytes or minutes. */
export function isAllowedCost({ N, r, p }: ScryptCost): boolean {
  const whole = [N, r, p].every((parameter) => Number.isSafeInteger(parameter) && parameter >= 1);
  const powerOfTwo = N >= 2 && N <= mostWork && (N & (N - 1)) === 0;
  return whole && powerOfTwo && 128 * N * r <= largestMemoryBytes && N * r * p <= mostWork;
}

/** The default limit of `maxmem` lies just below what larger costs need. */
const optionsOf = ({ N, r, p }: ScryptCost): ScryptOptions => ({ N, r, p, maxmem: 2 * largestMemoryBytes });

const derive = (secret: Uint8Array | string, salt: Uint8Array, length: number, cost: ScryptCost) =>
  scryptOnThread(secret, salt, length, optionsOf(cost));

/** Hashes a secret under a new salt: `scrypt$N$r$p$salt$hash`, salt and hash in base64. */
export async function hashSecret(secret: Uint8Array | string, cost: ScryptCost = defaultCost): Promise<string> {
  const salt = randomBytes(saltBytes);
  const hash = await derive(secret, salt, hashBytes, cost);
  return `scrypt$${cost.N}$${cost.r}$${cost.p}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

const format = /^scrypt\$(\d{1,7})\$(\d{1,4})\$(\d{1,4})\$([A-Za-z0-9+/]{11,88}={0,2})\$([A-Za-z0-9+/]{22,88}={0,2})$/;

/** Takes a hash apart; undefined when it is malformed or its cost is not allowed. */
export function parseSecretHash(text: string): SecretHash | undefined {
  const [, N, r, p, salt, hash] = format.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  if (!isAllowedCost(cost)) return undefined;
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

/** Whether `secret` is the one that was hashed; compares in constant time. Blocks its thread for as long as that takes. */
export function verifySecret(secret: Uint8Array, { cost, salt, hash }: SecretHash): boolean {
  return timingSafeEqual(scryptSync(secret, salt, hash.byteLength, optionsOf(cost)), hash);
}

/** A hash that nothing matches: verifying against it costs what a real one of this cost does. */
export const decoyHash = (cost: ScryptCost): SecretHash => ({
  cost,
  salt: randomBytes(saltBytes),
  hash: randomBytes(hashBytes),
});

/** A new secret of 128 random bits, as 22 characters that need no quoting anywhere. */
export const generateSecret = (): string => randomBytes(16).toString('base64url');
