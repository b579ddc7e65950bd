import type { Random } from '../../../device-simulator/core/random.ts';
import { type ProxyHeaderWish, proxyHeader } from '../../support/proxy-header.ts';
import { mutateBytes, pick, randomBytes } from './mutate.ts';

/** Where the parts of a header begin (PROXY protocol, section 2.2). */
const commandAt = 12;
const familyAt = 13;
const lengthAt = 14;
const addressesAt = 16;
const checksumType = 0x03;
/** ALPN, authority, padding, unique id, TLS, name space, and one that nobody knows (section 2.2.1). */
const otherTypes = [0x01, 0x02, 0x04, 0x05, 0x20, 0x30, 0xe0];

const extension = (random: Random, length: number, types: readonly number[] = otherTypes) =>
  [pick(random, types), randomBytes(random, length)] as const;

/** Another peer each time: no limit of an address is reached. */
const anySource = (random: Random): number[] => [...randomBytes(random, random.chance(0.5) ? 4 : 16)];

const anyWish = (random: Random): ProxyHeaderWish => ({
  source: anySource(random),
  extensions: Array.from({ length: random.integer(3) }, () => extension(random, random.integer(40))),
  checksum: random.chance(0.3),
});

/** A header as a load balancer sends it. */
export const soundHeader = (random: Random): Buffer => proxyHeader(anyWish(random));

/** Whether somebody may be served who begins like this: what is further behind is for the gateway to judge. */
export const beginsAsHeader = (bytes: Buffer): boolean =>
  bytes.toString('hex', 0, commandAt) === '0d0a0d0a000d0a515549540a' && (bytes[commandAt] ?? 0) >> 4 === 2;

function withByte(header: Buffer, at: number, byte: number): Buffer {
  const changed = Buffer.from(header);
  changed[at] = byte;
  return changed;
}

function withLength(header: Buffer, at: number, length: number): Buffer {
  const changed = Buffer.from(header);
  changed.writeUInt16BE(length & 0xffff, at);
  return changed;
}

const textHeaders: readonly string[] = [
  'PROXY TCP4 192.0.2.1 192.0.2.2 56324 1883\r\n',
  'PROXY TCP6 2001:db8::1 2001:db8::2 56324 1883\r\n',
  'PROXY UNKNOWN\r\n',
  `PROXY UNKNOWN ${'f'.repeat(300)}\r\n`,
  'PROXY TCP4 127.0.0.1\0 ../../x 0 99999\r\n',
  'PROXY',
  'PRO',
];

type Spoil = (header: Buffer, random: Random) => Buffer;

const spoils: readonly Spoil[] = [
  (header, random) => mutateBytes(header, random),
  (header, random) => Buffer.concat([mutateBytes(header.subarray(0, commandAt), random), header.subarray(commandAt)]),
  function hasAnotherVersionOrCommand(header, random) {
    return withByte(header, commandAt, pick(random, [0x11, 0x22, 0x2f, 0x31, 0xff, random.integer(256)]));
  },
  function hasAnotherFamily(header, random) {
    return withByte(header, familyAt, pick(random, [0x00, 0x10, 0x12, 0x22, 0x31, 0x32, random.integer(256)]));
  },
  /** Those of the other family fit, or are cut off. */
  (header) => withByte(header, familyAt, header[familyAt] === 0x11 ? 0x21 : 0x11),
  function hasAnotherLength(header, random) {
    const own = header.length - addressesAt;
    const lengths = [0, 1, 11, 12, 13, 35, 36, 37, 216, 2_032, 2_033, 0x7fff, 0xffff, own - 1, own + 1];
    return withLength(header, lengthAt, pick(random, lengths));
  },
  function isLongerThanItMayBe(_header, random) {
    return proxyHeader({ source: anySource(random), extensions: [extension(random, 1_990 + random.integer(80))] });
  },
  function hasAnExtensionOfAnotherLength(_header, random) {
    const source = anySource(random);
    const header = proxyHeader({ source, extensions: [extension(random, 8), extension(random, 8)] });
    const at = addressesAt + 2 * source.length + 5;
    return withLength(header, at, pick(random, [0, 1, 7, 9, 17, 0x00ff, 0xff00, 0xffff]));
  },
  function hasExtensionsOfNothing(_header, random) {
    const extensions = Array.from({ length: 1 + random.integer(600) }, () => extension(random, 0));
    return proxyHeader({ source: anySource(random), extensions });
  },
  function hasAWrongChecksum(_header, random) {
    const length = pick(random, [0, 3, 4, 4, 4, 5]);
    const extensions = [extension(random, length, [checksumType])];
    return proxyHeader({ source: anySource(random), extensions, checksum: random.chance(0.3) });
  },
  function endsInTheMiddleOfAnExtension(_header, random) {
    const extensions = [extension(random, 0)];
    const header = proxyHeader({ source: anySource(random), extensions });
    const cut = header.subarray(0, header.length - 1 - random.integer(2));
    return withLength(cut, lengthAt, cut.length - addressesAt);
  },
  (_header, random) => Buffer.from(pick(random, textHeaders), 'latin1'),
  function isForTheBalancerItself(header, random) {
    const local = withByte(header, commandAt, 0x20);
    return random.chance(0.5) ? local : mutateBytes(withByte(local, familyAt, random.integer(256)), random);
  },
  (header, random) => header.subarray(0, random.integer(header.length)),
  (header) => Buffer.concat([header, header]),
  () => Buffer.alloc(0),
];

/** What may stand at the beginning of a connection in place of a load balancer's header. */
export const spoiltHeader = (random: Random): Buffer => pick(random, spoils)(soundHeader(random), random);
