import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet';

/** MQTT 3.1.1 is protocol level 4. */
export type MqttVersion = 4 | 5;

/** Control packet types, MQTT 5.0 section 2.1.2. */
export const packetType = {
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubcomp: 7,
  pingresp: 13,
  disconnect: 14,
} as const;

/** What a device asks for: at least once, or exactly once. */
export type PublishQos = 1 | 2;

const publishType = 0x30;
const pubrelType = 0x62;
const dupFlag = 0x08;
/** A client that subscribes to nothing gets nothing larger. */
const maxInboundBytes = 65_536;

export const pingRequest = Buffer.from([0xc0, 0]);

/**
 * The bytes of a PUBLISH, without properties (MQTT 5.0 section 3.3, MQTT 3.1.1 section 3.3).
 *
 * @param packetId left out at QoS 0
 */
export function publishFrame(
  topic: Uint8Array,
  packetId: number,
  payload: Uint8Array,
  version: MqttVersion,
  qos: 0 | PublishQos = 1,
): Buffer {
  const remaining = 2 + topic.length + (qos > 0 ? 2 : 0) + (version === 5 ? 1 : 0) + payload.length;
  const lengthBytes = remaining < 128 ? 1 : remaining < 16_384 ? 2 : remaining < 2_097_152 ? 3 : 4;
  const frame = Buffer.allocUnsafe(1 + lengthBytes + remaining);
  frame[0] = publishType | (qos << 1);
  let offset = 1;
  for (let left = remaining; offset <= lengthBytes; left >>>= 7) {
    frame[offset] = (left & 127) | (offset < lengthBytes ? 128 : 0);
    offset += 1;
  }
  offset = frame.writeUInt16BE(topic.length, offset);
  frame.set(topic, offset);
  offset += topic.length;
  if (qos > 0) offset = frame.writeUInt16BE(packetId, offset);
  if (version === 5) offset = frame.writeUInt8(0, offset);
  frame.set(payload, offset);
  return frame;
}

/** Marks a PUBLISH as possibly delivered before [MQTT-3.3.1-1]. */
export function markDuplicate(frame: Buffer): void {
  frame[0] = (frame[0] as number) | dupFlag;
}

/** PUBREL (MQTT 5.0 section 3.6): the receiver may forget the packet id of a QoS 2 message. */
export function pubrelFrame(packetId: number): Buffer {
  return Buffer.from([pubrelType, 2, packetId >> 8, packetId & 0xff]);
}

export interface ConnectOptions {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly keepAliveSeconds: number;
  readonly version: MqttVersion;
}

/** CONNECT that keeps the session, so that what is unacknowledged may be sent again under its packet id. */
export function connectFrame(options: ConnectOptions): Buffer {
  const packet: IConnectPacket = {
    cmd: 'connect',
    clientId: options.clientId,
    protocolId: 'MQTT',
    protocolVersion: options.version,
    clean: false,
    keepalive: options.keepAliveSeconds,
  };
  if (options.username !== undefined) packet.username = options.username;
  if (options.password !== undefined) packet.password = Buffer.from(options.password);
  if (options.version === 5) packet.properties = { sessionExpiryInterval: 600, receiveMaximum: 16 };
  return generate(packet, { protocolVersion: options.version });
}

/** DISCONNECT; in MQTT 5 with a session expiry of 0, because a simulated device does not come back. */
export function disconnectFrame(version: MqttVersion): Buffer {
  const packet: Packet =
    version === 5
      ? { cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } }
      : { cmd: 'disconnect' };
  return generate(packet, { protocolVersion: version });
}

/** What CONNACK says, for both versions. */
export interface ConnectAnswer {
  /** 0: accepted. Else the return code (3.1.1) or reason code (5.0). */
  readonly code: number;
  readonly sessionPresent: boolean;
  /** 65,535 when the server names none. */
  readonly receiveMaximum: number;
  /** Seconds; undefined when the server leaves it to the client. */
  readonly serverKeepAliveSeconds: number | undefined;
  /** Where to go instead; undefined when the server names no other. */
  readonly serverReference: string | undefined;
}

/** Decodes one whole CONNACK; undefined when it is not one. */
export function readConnack(frame: Buffer, version: MqttVersion): ConnectAnswer | undefined {
  const connack = readPacket(frame, version);
  if (connack?.cmd !== 'connack') return undefined;
  return {
    code: (version === 5 ? connack.reasonCode : connack.returnCode) ?? 0,
    sessionPresent: connack.sessionPresent,
    receiveMaximum: connack.properties?.receiveMaximum ?? 65_535,
    serverKeepAliveSeconds: connack.properties?.serverKeepAlive,
    serverReference: connack.properties?.serverReference,
  };
}

/** What a server says when it ends a connection (MQTT 5.0 section 3.14). */
export interface Farewell {
  /** 0 when it gives none. */
  readonly code: number;
  readonly serverReference: string | undefined;
}

/** Decodes one whole DISCONNECT of MQTT 5. */
export function readDisconnect(frame: Buffer): Farewell {
  const disconnect = readPacket(frame, 5);
  if (disconnect?.cmd !== 'disconnect') return { code: 0, serverReference: undefined };
  return { code: disconnect.reasonCode ?? 0, serverReference: disconnect.properties?.serverReference };
}

function readPacket(frame: Buffer, version: MqttVersion): Packet | undefined {
  let decoded: Packet | undefined;
  const decoder = parser({ protocolVersion: version });
  decoder.on('packet', (packet: Packet) => {
    decoded = packet;
  });
  decoder.on('error', () => undefined);
  decoder.parse(frame);
  return decoded;
}

/** Takes one frame: the whole of it, and where its body begins. Returning false stops: the connection is gone. */
export type FrameHandler = (frame: Buffer, bodyOffset: number) => boolean;

/** Cuts a TCP stream into MQTT control packets. */
export class FrameSplitter {
  #rest: Buffer | undefined;

  /** Forgets an incomplete frame: a new connection begins. */
  reset(): void {
    this.#rest = undefined;
  }

  /**
   * Hands every complete frame of the stream to `handle`. `chunk` may be reused by the caller afterwards.
   * Returns false when the stream cannot be MQTT: a length of more than four bytes, or larger than 64 kB.
   */
  push(chunk: Buffer, handle: FrameHandler): boolean {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = undefined;
    let offset = 0;
    while (offset < bytes.length) {
      const header = readHeader(bytes, offset);
      if (header === 'malformed') return false;
      if (header === 'incomplete' || header.end > bytes.length) {
        this.#rest = Buffer.from(bytes.subarray(offset));
        return true;
      }
      if (!handle(bytes.subarray(offset, header.end), header.bodyOffset)) return true;
      offset = header.end;
    }
    return true;
  }
}

function readHeader(bytes: Buffer, start: number): { bodyOffset: number; end: number } | 'incomplete' | 'malformed' {
  let length = 0;
  for (let i = 1; i <= 4; i += 1) {
    const byte = bytes[start + i];
    if (byte === undefined) return 'incomplete';
    length |= (byte & 127) << (7 * (i - 1));
    if (byte >= 128) continue;
    return length > maxInboundBytes ? 'malformed' : { bodyOffset: 1 + i, end: start + 1 + i + length };
  }
  return 'malformed';
}
