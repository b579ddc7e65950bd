import type { Random } from '../../../device-simulator/core/random.ts';

/** Bytes at which parsers count, end, or change their sign. */
const edges = [0x00, 0x01, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xfe, 0xff, 0x0a, 0x0d, 0x22, 0x2e];

export const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random.integer(items.length)] as Item;

export const randomBytes = (random: Random, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => random.integer(256)));

type Mutation = (bytes: Buffer, at: number, random: Random) => Buffer;

const replace = (bytes: Buffer, from: number, to: number, by: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);

const mutations: readonly Mutation[] = [
  function flipsABit(bytes, at, random) {
    return replace(bytes, at, at + 1, Buffer.from([(bytes[at] ?? 0) ^ (1 << random.integer(8))]));
  },
  function setsAnEdge(bytes, at, random) {
    return replace(bytes, at, at + 1, Buffer.from([pick(random, edges)]));
  },
  /** As a length of two bytes it points behind everything, or to nothing. */
  function setsTwoBytes(bytes, at, random) {
    return replace(bytes, at, at + 2, Buffer.from(pick(random, ['ffff', '0000', '7fff', '8000', '0001']), 'hex'));
  },
  function setsAVarint(bytes, at, random) {
    return replace(bytes, at, at + 1, Buffer.from(pick(random, ['ffffffff7f', 'ffffffffffffffffff01', '8000']), 'hex'));
  },
  function cuts(bytes, at) {
    return bytes.subarray(0, at);
  },
  function takesOut(bytes, at, random) {
    return replace(bytes, at, at + 1 + random.integer(8), Buffer.alloc(0));
  },
  function putsIn(bytes, at, random) {
    return replace(bytes, at, at, randomBytes(random, 1 + random.integer(16)));
  },
  function repeats(bytes, at, random) {
    return replace(bytes, at, at, bytes.subarray(at, at + 1 + random.integer(32)));
  },
  function fills(bytes, at, random) {
    return replace(bytes, at, at, Buffer.alloc(1 + random.integer(300), pick(random, edges)));
  },
];

/** Some bytes otherwise than they were: mostly one mutation, seldom more. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  let mutated = bytes;
  do {
    mutated = pick(random, mutations)(mutated, random.integer(mutated.length + 1), random);
  } while (random.chance(0.3));
  return mutated;
}
