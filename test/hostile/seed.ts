import { randomInt } from 'node:crypto';
import { type Random, randomStream } from '../../device-simulator/core/random.ts';

const largestSeed = 0xffff_ffff;

/** FUZZ_SEED, where it is given, makes a run send what an earlier one has sent. */
export const fuzzSeed: number = given(process.env.FUZZ_SEED) ?? randomInt(largestSeed);

function given(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const seed = Number(text);
  if (Number.isInteger(seed) && seed >= 0 && seed <= largestSeed) return seed;
  throw new Error(`FUZZ_SEED=${text}: it must be a whole number from 0 to ${largestSeed}`);
}

/** Randomness of one case: it depends on the seed and the case alone, never on what ran before or beside it. */
export const randomOf = (surface: number, index: number): Random => randomStream(fuzzSeed, surface * 1_000_003 + index);

/** Says with which seed to run again. */
export function announceSeed(what: string): void {
  process.stdout.write(`[hostile] ${what}: FUZZ_SEED=${fuzzSeed}\n`);
}
