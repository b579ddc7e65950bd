import type { Random } from '../../../device-simulator/core/random.ts';
import { frame, opcodes, upgradeRequest } from '../../gateway/mqtt/websocket/raw-websocket.ts';
import { firstBytes, spoiltPackets, type Version } from './mqtt.ts';
import { mutateBytes, pick, randomBytes } from './mutate.ts';

/** What a request for an upgrade (RFC 6455, section 4.1) may say otherwise; undefined: nothing. */
const headers: Readonly<Record<string, readonly (string | undefined)[]>> = {
  Host: [undefined, '', 'a, b', '127.0.0.1:99999'],
  Connection: [undefined, 'close', 'keep-alive', 'keep-alive, Upgrade', ''],
  Upgrade: [undefined, 'h2c', 'websocket, h2c', 'WEBSOCKET', ''],
  'Sec-WebSocket-Version': [undefined, '0', '7', '8', '14', '13, 8', '-13', '1e1', ''],
  'Sec-WebSocket-Key': [undefined, '', 'x', 'dGhlIHNhbXBsZSBub25jZQ', '='.repeat(24), 'a'.repeat(5_000), '\xff\xfe'],
  'Sec-WebSocket-Protocol': [
    undefined,
    '',
    'chat',
    'mqttv3.1',
    'mqtt, mqtt',
    ', mqtt',
    'MQTT',
    'mqtt;q=1',
    'x'.repeat(7_000),
  ],
  'Sec-WebSocket-Extensions': [
    'permessage-deflate',
    'permessage-deflate; server_max_window_bits=99',
    ';;,=',
    'x'.repeat(4_000),
  ],
  Origin: ['https://evil.example', 'null', '', 'https://evil.example, https://evil.example'],
  'Sec-WebSocket-Origin': ['https://evil.example'],
  'Content-Length': ['5', '-1', '99999999999999999999'],
  'Transfer-Encoding': ['chunked', 'chunked, identity', 'gzip'],
  Expect: ['100-continue', 'miracles'],
  'X-Long': ['x'.repeat(9_000)],
  'X-Odd': ['\0', '\x7f', 'a\r\n folded', 'a\rb'],
};
const names = Object.keys(headers);
const paths = ['/', '/mqtt?x=1', '/mqtt/', '/MQTT', '//mqtt', '/mqtt/../x', '/mqtt%00', '/%6dqtt', '*', 'mqtt'];
const longPath = `/${'a'.repeat(9_000)}`;
const methods = ['POST', 'PUT', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'get', ''];
const otherProtocols = [
  Buffer.from('101000044d515454', 'hex'),
  Buffer.from('160301020001000200', 'hex'),
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('GET /mqtt\r\n\r\n'),
  Buffer.from('\r\n\r\n\r\n'),
];

/** A request that becomes a WebSocket. */
export const soundUpgrade = (): Buffer => Buffer.from(upgradeRequest());

/** What a stranger sends in place of a request for an upgrade. */
export function spoiltUpgrade(random: Random): Buffer {
  if (random.chance(0.05)) return mutateBytes(pick(random, otherProtocols), random);
  const changes = Object.fromEntries(
    Array.from({ length: 1 + random.integer(2) }, () => {
      const name = pick(random, names);
      return [name, pick(random, headers[name] ?? [])];
    }),
  );
  const path = random.chance(0.2) ? pick(random, [...paths, longPath]) : '/mqtt';
  const text = upgradeRequest(changes, path);
  const request = Buffer.from(random.chance(0.1) ? text.replace('GET', pick(random, methods)) : text, 'latin1');
  return random.chance(0.3) ? mutateBytes(request, random) : request;
}

/** Bytes of MQTT in frames, cut anywhere: as messages of their own, or as fragments of one (section 5.4). */
function inFrames(bytes: Buffer, random: Random): Buffer {
  const isOneMessage = random.chance(0.5);
  const frames: Buffer[] = [];
  const longest = 1 + random.integer(bytes.length + 1);
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at, at + 1 + random.integer(longest));
    const opcode = isOneMessage && at > 0 ? opcodes.continuation : opcodes.binary;
    at += part.length;
    frames.push(frame(part, { opcode, fin: !isOneMessage || at >= bytes.length }));
    // Between the fragments of a message there may be control frames.
    if (random.chance(0.1)) frames.push(frame(randomBytes(random, random.integer(126)), { opcode: opcodes.ping }));
  }
  return Buffer.concat(frames);
}

const control = [opcodes.close, opcodes.ping, opcodes.pong];
const lengths = [
  0n,
  1n,
  125n,
  126n,
  127n,
  65_535n,
  65_536n,
  1n << 31n,
  1n << 32n,
  1n << 53n,
  1n << 63n,
  (1n << 64n) - 1n,
];
/** Whether they may be sent or not (section 7.4). */
const closeCodes = [0, 999, 1000, 1001, 1002, 1004, 1005, 1006, 1011, 1015, 1016, 2999, 3000, 4999, 5000, 65_535];

/** A length in more bytes than it needs, which section 5.2 forbids. */
function withLongLength(payload: Buffer, random: Random): Buffer {
  const short = frame(payload.subarray(0, 125));
  const extended = Buffer.alloc(random.chance(0.5) ? 2 : 8);
  extended.writeUInt16BE(Math.min(payload.length, 125), extended.length - 2);
  const head = Buffer.from([short[0] ?? 0, 0x80 | (extended.length === 2 ? 126 : 127)]);
  return Buffer.concat([head, extended, short.subarray(2)]);
}

function closeFrame(random: Random): Buffer {
  const code = Buffer.alloc(2);
  code.writeUInt16BE(pick(random, closeCodes));
  const reason = pick(random, [
    Buffer.alloc(0),
    Buffer.from('bye'),
    Buffer.from('c328', 'hex'),
    randomBytes(random, 123),
  ]);
  const payload = Buffer.concat([code, reason]);
  return frame(random.chance(0.1) ? payload.subarray(0, 1) : payload, { opcode: opcodes.close });
}

type Spoil = (packet: Buffer, random: Random) => Buffer;

const spoils: readonly Spoil[] = [
  (packet, random) => mutateBytes(frame(packet), random),
  (packet, random) => frame(packet, { reserved: 1 + random.integer(7) }),
  (packet, random) => frame(packet, { opcode: pick(random, [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) }),
  (packet) => frame(packet, { masked: false }),
  (packet) => frame(packet, { opcode: opcodes.text }),
  (packet, random) => frame(packet, { length: pick(random, lengths) }),
  withLongLength,
  /** Control frames come in one piece, and are short (section 5.5). */
  (_packet, random) => frame(randomBytes(random, random.integer(126)), { opcode: pick(random, control), fin: false }),
  (_packet, random) => frame(randomBytes(random, 126 + random.integer(200)), { opcode: pick(random, control) }),
  /** The middle of a message that has not begun; the beginning of one in the middle of another. */
  (packet, random) => frame(packet, { opcode: opcodes.continuation, fin: random.chance(0.5) }),
  (packet, random) => Buffer.concat([frame(packet, { fin: false }), frame(packet, { fin: random.chance(0.5) })]),
  function fragmentsWithoutEnd(_packet, random) {
    const part = frame(Buffer.from('x'), { opcode: opcodes.continuation, fin: false });
    return Buffer.concat([
      frame(Buffer.from('x'), { fin: false }),
      Buffer.alloc(part.length * random.integer(1_500), part),
    ]);
  },
  (_packet, random) => frame(Buffer.alloc(262_100 + random.integer(100))),
  (_packet, random) => closeFrame(random),
  (packet, random) => Buffer.concat([closeFrame(random), frame(packet), closeFrame(random)]),
  (_packet, random) =>
    Buffer.concat(Array.from({ length: random.integer(60) }, () => frame(Buffer.alloc(125), { opcode: opcodes.ping }))),
  (packet, random) => Buffer.concat([Buffer.alloc(6 * random.integer(300), frame(Buffer.alloc(0))), frame(packet)]),
];

/** Frames of a peer that has not sent CONNECT. */
export const firstFrames = (version: Version, random: Random): Buffer => spoilt(firstBytes(version, random), random);

/** Frames of a device that is connected. */
export const laterFrames = (version: Version, random: Random): Buffer => spoilt(spoiltPackets(version, random), random);

/** As often right frames around MQTT that is spoilt as frames that are spoilt themselves. */
const spoilt = (mqtt: Buffer, random: Random): Buffer =>
  random.chance(0.5) ? inFrames(mqtt, random) : pick(random, spoils)(mqtt, random);
