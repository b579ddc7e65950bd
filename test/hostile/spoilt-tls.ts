import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Random } from '../../device-simulator/core/random.ts';
import { mutateBytes } from './generators/mutate.ts';

/** From ClientHello to the first packet of MQTT: whatever byte of it is spoilt. */
const longestConversation = 1_200;
const patienceMs = 500;

/** A TCP connection that spoils, from one byte of it on, what is written to it in one piece. */
class SpoilingSocket extends Duplex {
  readonly received: Buffer[] = [];
  readonly #socket: Socket;
  readonly #random: Random;
  readonly #spoiltAt: number;
  #written = 0;

  constructor(socket: Socket, random: Random) {
    super();
    this.#socket = socket;
    this.#random = random;
    this.#spoiltAt = random.integer(longestConversation);
    socket.on('data', (chunk: Buffer) => {
      this.received.push(chunk);
      this.push(chunk);
    });
    socket.on('close', () => this.destroy());
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const at = this.#spoiltAt - this.#written;
    this.#written += chunk.length;
    const isSpoilt = at >= 0 && at < chunk.length;
    const bytes = isSpoilt
      ? Buffer.concat([chunk.subarray(0, at), mutateBytes(chunk.subarray(at), this.#random)])
      : chunk;
    this.#socket.write(bytes, () => done());
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }
}

/**
 * A real TLS client whose records are spoilt on the way: in the handshake, or behind it. Resolves with all that it was sent
 * until the connection is closed.
 *
 * @param bytes what it sends when the handshake is done.
 */
export function talkSpoiltTls(port: number, bytes: Buffer, random: Random): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host: '127.0.0.1', port });
    const spoiling = new SpoilingSocket(socket, random);
    const tls = connectTls({
      socket: spoiling,
      rejectUnauthorized: false,
      ALPNProtocols: ['mqtt'],
      maxVersion: random.chance(0.5) ? 'TLSv1.2' : 'TLSv1.3',
    });
    for (const end of [socket, spoiling, tls]) end.on('error', () => undefined);
    tls.on('secureConnect', () => tls.write(bytes));
    tls.resume();
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.once('close', () => {
      tls.destroy();
      resolve(Buffer.concat(spoiling.received));
    });
  });
}
