import { InvalidArgumentError } from 'commander';

/** Seeds are unsigned 32-bit integers. */
export const largestSeed = 0xffff_ffff;

/** Parses the value of an option: a number above 0. Throws commander's error otherwise, as all of these do. */
export const positive = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('It must be a number above 0.');
  }
  return value;
};

/** A whole number above 0. */
export const count = (text: string): number => {
  const value = positive(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
};

/** From 0 to 1, both included. */
export const share = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be from 0 to 1.');
  return value;
};

/** A whole number from 0 to `largestSeed`. */
export const seed = (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > largestSeed) {
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${largestSeed}.`);
  }
  return value;
};
