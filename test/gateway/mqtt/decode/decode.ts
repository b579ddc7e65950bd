import type { Buffer } from 'node:buffer';
import { decodeAcknowledgement } from '../../../../gateway/mqtt/decode/acknowledgement.ts';
import { decodeAuth } from '../../../../gateway/mqtt/decode/auth.ts';
import { decodeConnect } from '../../../../gateway/mqtt/decode/connect.ts';
import { decodeDisconnect } from '../../../../gateway/mqtt/decode/disconnect.ts';
import { decodePublish, emptyPublishFields, TopicMemory } from '../../../../gateway/mqtt/decode/publish.ts';
import { PacketReader } from '../../../../gateway/mqtt/decode/reader.ts';
import { decodeSubscribe } from '../../../../gateway/mqtt/decode/subscribe.ts';
import { decodeUnsubscribe } from '../../../../gateway/mqtt/decode/unsubscribe.ts';
import { Framer } from '../../../../gateway/mqtt/frame.ts';
import type { Violation } from '../../../../gateway/mqtt/violation.ts';

const acknowledgements = { 4: 'PUBACK', 5: 'PUBREC', 6: 'PUBREL', 7: 'PUBCOMP' } as const;

/** One whole packet through framing and its decoder. */
export function decode(bytes: Buffer, version: 4 | 5, topics = new TopicMemory()): Record<string, unknown> | Violation {
  const framer = new Framer();
  framer.accept(bytes);
  const status = framer.next(1_000_000);
  if (status !== 'packet') return { code: 0x81, detail: status };
  const reader = new PacketReader();
  reader.open(framer.bytes, framer.start, framer.end);
  const type = framer.first >> 4;
  const flags = framer.first & 0x0f;
  switch (type) {
    case 1: {
      const result = decodeConnect(reader, flags);
      return result.packet === undefined ? result.violation : { ...result.packet };
    }
    case 3: {
      const fields = emptyPublishFields();
      return decodePublish(reader, flags, version, topics, fields) ?? { ...fields };
    }
    case 4:
    case 5:
    case 6:
    case 7:
      return { ...decodeAcknowledgement(reader, flags, version, acknowledgements[type]) };
    case 8:
      return { ...decodeSubscribe(reader, flags, version) };
    case 10:
      return { ...decodeUnsubscribe(reader, flags, version) };
    case 14:
      return { ...decodeDisconnect(reader, flags, version) };
    case 15:
      return { ...decodeAuth(reader, flags) };
    default:
      return { code: 0x82, detail: 'not decoded' };
  }
}

/** Flattens mqtt-packet's properties into the form of our decoder. */
export function flat(properties: Record<string, unknown> | undefined): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name === 'userProperties') {
      const pairs: string[] = [];
      for (const [key, values] of Object.entries(value as Record<string, string | string[]>)) {
        for (const one of [values].flat()) pairs.push(key, one);
      }
      if (pairs.length > 0) result[name] = pairs;
    } else {
      result[name] = typeof value === 'boolean' ? Number(value) : value;
    }
  }
  return result;
}
