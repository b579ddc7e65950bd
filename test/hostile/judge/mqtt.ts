import { type Packet, parser } from 'mqtt-packet';
import { flawOfText } from './text.ts';

/** Packets that a server may send (MQTT 5.0, section 2.1.2), by their type. */
const sentByServers = new Set([2, 3, 4, 5, 6, 7, 9, 11, 13, 14, 15]);
const connack = 2;

/** Cuts a stream into packets by the rules of the standard; an independent codec then looks into each. */
function packetsOf(bytes: Buffer): Packet[] {
  const packets: Packet[] = [];
  let version: 4 | 5 = 4;
  for (let at = 0; at < bytes.length; ) {
    const { bodyAt, end } = frameAt(bytes, at);
    const type = (bytes[at] as number) >> 4;
    if (!sentByServers.has(type)) throw new Error(`no server sends packets of type ${type}`);
    // CONNACK of 3.1.1 has two bytes, that of 5.0 more: it is the first packet, and says which version is spoken.
    if (type === connack) version = end - bodyAt === 2 ? 4 : 5;
    packets.push(parsed(bytes.subarray(at, end), version));
    at = end;
  }
  return packets;
}

function frameAt(bytes: Buffer, at: number): { bodyAt: number; end: number } {
  let length = 0;
  for (let index = 1; index <= 4; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) throw new Error('the stream ends in a fixed header');
    length += (byte & 0x7f) * 128 ** (index - 1);
    if (byte >= 0x80) continue;
    const bodyAt = at + index + 1;
    const end = bodyAt + length;
    if (end > bytes.length) throw new Error('the stream ends in a packet');
    return { bodyAt, end };
  }
  throw new Error('a remaining length of more than four bytes');
}

function parsed(bytes: Buffer, version: 4 | 5): Packet {
  const found: (Packet | Error)[] = [];
  const parse = parser({ protocolVersion: version } as never);
  parse.on('packet', (packet: Packet) => found.push(packet));
  parse.on('error', (error: Error) => found.push(error));
  const left = parse.parse(bytes);
  const [packet] = found;
  if (packet instanceof Error) throw packet;
  if (packet === undefined || found.length > 1 || left > 0) throw new Error('not one whole packet');
  return packet;
}

/** Every text of a packet, in its properties too. */
function* textsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) {
    for (const child of Object.values(value)) yield* textsOf(child);
  }
}

/** What is wrong with all that a peer of an MQTT listener has received; undefined: nothing. */
export function flawOfMqtt(received: Buffer, secrets: readonly string[] = []): string | undefined {
  try {
    for (const packet of packetsOf(received)) {
      for (const text of textsOf(packet)) {
        const flaw = flawOfText(text, secrets);
        if (flaw !== undefined) return `${flaw} in ${packet.cmd}: ${text}`;
      }
    }
    return undefined;
  } catch (error) {
    return String(error);
  }
}
