import fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import type { Random } from '../../../device-simulator/core/random.ts';
import { anyPacket, connectPacket } from '../../gateway/mqtt/decode/arbitraries.ts';
import { fuzzSeed } from '../seed.ts';
import { mutateBytes, pick, randomBytes } from './mutate.ts';

export type Version = 4 | 5;

const samples = 300;

/** Valid packets, to be spoiled: as many kinds as the grammar has. */
const encoded = (version: Version, packets: fc.Arbitrary<Packet>): readonly Buffer[] =>
  fc
    .sample(packets, { numRuns: samples, seed: fuzzSeed | 0 })
    .map((packet) => generate(packet, { protocolVersion: version }));

const connects = { 4: encoded(4, connectPacket(4)), 5: encoded(5, connectPacket(5)) } as const;
const packets = { 4: encoded(4, anyPacket(4)), 5: encoded(5, anyPacket(5)) } as const;

/** A control packet whose remaining length (MQTT 5.0, section 1.5.5) is that of its body. */
export function framed(first: number, body: Buffer): Buffer {
  const header = [first];
  let left = body.length;
  do {
    header.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from(header), body]);
}

function bodyOf(packet: Buffer): Buffer {
  let at = 1;
  while (((packet[at] ?? 0) & 0x80) !== 0) at += 1;
  return packet.subarray(at + 1);
}

type Spoil = (packet: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

const firstOf = (packet: Buffer): number => packet[0] ?? 0;

const spoils: readonly Spoil[] = [
  /** What gets past the framing: the length is right, what it frames is not. */
  (packet, random) => framed(firstOf(packet), mutateBytes(bodyOf(packet), random)),
  (packet, random) => framed(firstOf(packet), mutateBytes(bodyOf(packet), random)),
  (packet, random) => mutateBytes(packet, random),
  /** Flags, or the body of one packet as that of another. */
  (packet, random) => framed(random.integer(256), bodyOf(packet)),
  (packet, random, others) => {
    const other = bodyOf(pick(random, others));
    const body = bodyOf(packet);
    return framed(
      firstOf(packet),
      Buffer.concat([body.subarray(0, random.integer(body.length + 1)), other.subarray(random.integer(8))]),
    );
  },
  /** A length that more, or less, follows than it says. */
  (packet, random) =>
    Buffer.concat([
      Buffer.from([firstOf(packet)]),
      pick(
        random,
        ['00', '01', '7f', '8001', 'ff7f', 'ffff03', 'ffffff7f', 'ffffffff', 'ffffffff7f', '8000', '80808000'].map(
          (length) => Buffer.from(length, 'hex'),
        ),
      ),
      bodyOf(packet),
    ]),
  (packet, random, others) => Buffer.concat([packet, pick(random, others), mutateBytes(packet, random)]),
];

/** The first bytes of a connection: a spoilt CONNECT, another packet, something else altogether. */
export function firstBytes(version: Version, random: Random): Buffer {
  const others = packets[version];
  if (random.chance(0.05)) return randomBytes(random, 1 + random.integer(64));
  const packet = pick(random, random.chance(0.1) ? others : connects[version]);
  return pick(random, spoils)(packet, random, others);
}

/** Packets behind an accepted CONNECT: some valid ones, then a spoilt one. */
export function spoiltPackets(version: Version, random: Random): Buffer {
  const others = packets[version];
  const before = Array.from({ length: random.integer(3) }, () => pick(random, others));
  return Buffer.concat([...before, pick(random, spoils)(pick(random, others), random, others)]);
}

/** One spoilt packet of any kind, for decoders in this process. */
export const spoiltPacket = (version: Version, random: Random): Buffer =>
  pick(random, spoils)(
    pick(random, random.chance(0.3) ? connects[version] : packets[version]),
    random,
    packets[version],
  );
