/** A seeded source of randomness. The same seed and stream give the same numbers on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Uniform integer in [0, exclusiveEnd). */
  integer(exclusiveEnd: number): number;
  /** Exponentially distributed with this mean: the waiting time of a Poisson process. */
  exponential(mean: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
}

/** Spreads the bits of a 32-bit number (the finaliser of MurmurHash3): neighbours in, strangers out. */
export function mix32(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Stream `stream` of seed `seed`: generator sfc32 (Chris Doty-Humphrey's Small Fast Chaotic PRNG, 128 bits of state).
 * Each device has streams of its own, so that a larger fleet does not change what its first vehicles do.
 */
export function randomStream(seed: number, stream: number): Random {
  let a = mix32(seed);
  let b = mix32(a ^ stream);
  let c = mix32(b ^ 0x9e3779b9);
  let counter = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 0x1_0000_0000;
  };
  // The state begins almost empty of entropy: the generator's author discards the first outputs.
  for (let i = 0; i < 15; i += 1) next();
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    integer: (exclusiveEnd) => Math.floor(next() * exclusiveEnd),
    exponential: (mean) => -mean * Math.log(1 - next()),
    chance: (probability) => next() < probability,
  };
}
