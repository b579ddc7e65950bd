import { Buffer } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { until } from '../support.ts';

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameWish {
  readonly opcode?: number;
  readonly fin?: boolean;
  /** The three reserved bits; the first one says that a frame is compressed. */
  readonly reserved?: number;
  readonly masked?: boolean;
  /** Said instead of the true one. */
  readonly length?: bigint;
}

/** A frame as a client sends it (RFC 6455, section 5.2), right or wrong. */
export function frame(payload: Uint8Array, wish: FrameWish = {}): Buffer {
  const { opcode = opcodes.binary, fin = true, reserved = 0, masked = true } = wish;
  const length = wish.length ?? BigInt(payload.length);
  const short = length < 126n ? Number(length) : length < 65_536n ? 126 : 127;
  const extended = Buffer.alloc(short === 126 ? 2 : short === 127 ? 8 : 0);
  if (short === 126) extended.writeUInt16BE(Number(length));
  if (short === 127) extended.writeBigUInt64BE(length);
  const first = Buffer.from([(fin ? 0x80 : 0) | (reserved << 4) | opcode, (masked ? 0x80 : 0) | short]);
  const mask = Buffer.from([0x5a, 0x01, 0xff, 0x00]);
  const content = masked ? payload.map((byte, index) => byte ^ (mask[index % 4] as number)) : payload;
  return Buffer.concat([first, extended, ...(masked ? [mask] : []), content]);
}

export const upgradeRequest = (changes: Record<string, string | undefined> = {}, path = '/mqtt'): string => {
  const headers: Record<string, string | undefined> = {
    Host: 'edge.example',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'mqtt',
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return [`GET ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n');
};

/** A peer at the level of bytes, which sends what no client should. */
export class RawPeer {
  readonly socket: Socket;
  closed = false;
  #received = Buffer.alloc(0);

  /** @param localAddress where it comes from, of this machine. */
  constructor(port: number, localAddress = '127.0.0.1') {
    this.socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true });
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
    onTestFinished(() => void this.socket.destroy());
  }

  /** A peer whose request was taken. */
  static async upgraded(port: number): Promise<RawPeer> {
    const peer = new RawPeer(port);
    peer.write(upgradeRequest());
    await until(() => peer.text.includes('\r\n\r\n') || peer.closed, 'an answer to the upgrade');
    if (!peer.text.startsWith('HTTP/1.1 101 ')) throw new Error(`refused: ${peer.text}`);
    return peer;
  }

  get text(): string {
    return this.#received.toString('latin1');
  }

  /** What has arrived behind the header of HTTP: frames, which are short here and not masked. */
  get frames(): { readonly opcode: number; readonly payload: Buffer }[] {
    const frames: { opcode: number; payload: Buffer }[] = [];
    let at = this.#received.indexOf('\r\n\r\n') + 4;
    while (at + 2 <= this.#received.length) {
      const short = (this.#received[at + 1] as number) & 0x7f;
      const from = at + (short === 126 ? 4 : 2);
      const length = short === 126 ? this.#received.readUInt16BE(at + 2) : short;
      if (from + length > this.#received.length) break;
      frames.push({
        opcode: (this.#received[at] as number) & 0x0f,
        payload: this.#received.subarray(from, from + length),
      });
      at = from + length;
    }
    return frames;
  }

  /** All bytes of MQTT that have arrived. */
  get mqtt(): Buffer {
    return Buffer.concat(this.frames.filter(({ opcode }) => opcode === opcodes.binary).map(({ payload }) => payload));
  }

  /** The status code that the server has closed with. */
  async closeCode(): Promise<number | undefined> {
    await until(() => this.frames.some(({ opcode }) => opcode === opcodes.close) || this.closed, 'a close frame');
    return this.frames.find(({ opcode }) => opcode === opcodes.close)?.payload.readUInt16BE(0);
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  async end(): Promise<void> {
    await until(() => this.closed, 'the server to close');
  }
}
