/**
 * A fingerprint of a publish: 128 bits of MurmurHash3 (x86_128, seed = length of the topic) over the topic's UTF-16 code
 * units and then the payload, as 32 hexadecimal digits. Not cryptographic: it tells the events of one device apart, and
 * a device gains nothing by confusing its own. The same bytes on the same topic are the same event.
 */
export function digest(topic: string, payload: Uint8Array): string {
  const bytes = new Uint8Array(topic.length * 2 + payload.length);
  for (let i = 0; i < topic.length; i++) {
    const unit = topic.charCodeAt(i);
    bytes[2 * i] = unit & 0xff;
    bytes[2 * i + 1] = unit >>> 8;
  }
  bytes.set(payload, topic.length * 2);
  const [a, b, c, d] = murmur3x86x128(bytes, topic.length);
  return hex(a) + hex(b) + hex(c) + hex(d);
}

type Lanes = [number, number, number, number];

const multipliers: Readonly<Lanes> = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];
const keyRotations: Readonly<Lanes> = [15, 16, 17, 18];
const stateRotations: Readonly<Lanes> = [19, 17, 15, 13];
const additions: Readonly<Lanes> = [0x561ccd1b, 0x0bcaa747, 0x96cd1c35, 0x32ac3b17];

/** MurmurHash3_x86_128 of Austin Appleby's SMHasher (public domain). Exported for its test vectors. */
export function murmur3x86x128(bytes: Uint8Array, seed: number): Lanes {
  const state: Lanes = [seed, seed, seed, seed];
  const blocks = bytes.length >>> 4;
  for (let block = 0; block < blocks; block++) {
    for (let lane = 0; lane < 4; lane++) {
      const mixed = (at(state, lane) ^ mixKey(wordAt(bytes, block * 16 + lane * 4), lane)) | 0;
      const rotated = rotate(mixed, at(stateRotations, lane)) + at(state, (lane + 1) & 3);
      state[lane] = (Math.imul(rotated, 5) + at(additions, lane)) | 0;
    }
  }
  // The tail, padded with zeros: a zero word mixes to zero, so absent lanes change nothing.
  for (let lane = 0; lane < 4; lane++) {
    state[lane] = at(state, lane) ^ mixKey(wordAt(bytes, blocks * 16 + lane * 4), lane) ^ bytes.length;
  }
  spread(state);
  for (let lane = 0; lane < 4; lane++) state[lane] = finish(at(state, lane));
  spread(state);
  return state.map((word) => word >>> 0) as Lanes;
}

function mixKey(word: number, lane: number): number {
  return Math.imul(
    rotate(Math.imul(word, at(multipliers, lane)), at(keyRotations, lane)),
    at(multipliers, (lane + 1) & 3),
  );
}

function spread(state: Lanes): void {
  state[0] = (state[0] + state[1] + state[2] + state[3]) | 0;
  for (let lane = 1; lane < 4; lane++) state[lane] = (at(state, lane) + state[0]) | 0;
}

function finish(word: number): number {
  const a = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  const b = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return b ^ (b >>> 16);
}

function wordAt(bytes: Uint8Array, offset: number): number {
  const byte = (i: number) => bytes[offset + i] ?? 0;
  return byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function at(lanes: Readonly<Lanes>, lane: number): number {
  return lanes[lane] as number;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
