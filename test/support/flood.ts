import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate, type Packet } from 'mqtt-packet';

/** Between two writes of one connection: hundreds of them still offer far more than any gateway takes. */
const pauseMs = 50;

export interface FloodOptions {
  readonly port: number;
  readonly connections: number;
  readonly version: 4 | 5;
  /** Written over and over, as fast as the gateway takes it. */
  readonly bytes: Buffer;
  /** Write it once instead, and then no more. */
  readonly once?: boolean;
  /** Read nothing of what the gateway answers. */
  readonly deaf?: boolean;
}

/** Connections that send more than is good for the gateway, and keep to no limit that they are told. */
export class Flood implements AsyncDisposable {
  readonly #options: FloodOptions;
  readonly #sockets = new Set<Socket>();
  #ended = false;
  /** Bytes handed to the kernel. */
  sentBytes = 0;
  /** Connections that the gateway has ended. */
  cutOff = 0;

  constructor(options: FloodOptions) {
    this.#options = options;
  }

  /** Connects all of them, at most so many at once, and begins. */
  async start(): Promise<this> {
    const { connections } = this.#options;
    for (let from = 0; from < connections && !this.#ended; from += 50) {
      const count = Math.min(50, connections - from);
      await Promise.all(Array.from({ length: count }, (_, index) => this.#connect(from + index)));
    }
    return this;
  }

  get connected(): number {
    return this.#sockets.size;
  }

  async #connect(index: number): Promise<void> {
    const { port, version, deaf } = this.#options;
    const socket = connect({ host: '127.0.0.1', port });
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (!this.#ended) this.cutOff += 1;
    });
    await once(socket, 'connect');
    if (this.#ended) {
      socket.destroy();
      return;
    }
    const clientId = `flood-${port}-${process.hrtime.bigint().toString(36)}-${index}`;
    const hello = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, clean: true, clientId, keepalive: 0 };
    socket.write(generate(hello as Packet, { protocolVersion: version }));
    // CONNACK has arrived, or the gateway has hung up.
    await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => {});
    if (deaf) socket.pause();
    else socket.resume();
    this.#pour(socket);
  }

  #pour(socket: Socket): void {
    if (this.#ended || socket.destroyed) return;
    const { bytes } = this.#options;
    socket.write(bytes, () => {
      this.sentBytes += bytes.length;
      // A pause, so that this process has time for the devices that the test is about.
      if (!this.#options.once) setTimeout(() => this.#pour(socket), pauseMs);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    const open = [...this.#sockets];
    // A reset: otherwise the gateway would rightly go on to take the megabytes that are still on their way.
    for (const socket of open) socket.resetAndDestroy();
    await Promise.all(open.filter((socket) => !socket.closed).map((socket) => once(socket, 'close')));
  }
}
