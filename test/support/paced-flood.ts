import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate, type Packet } from 'mqtt-packet';

const tickMs = 20;
/** More than the gateway leaves unanswered of one connection, so that no packet identifier is used twice at a time. */
const ringSize = 4000;

export interface PacedFloodOptions {
  readonly port: number;
  readonly connections: number;
  readonly topic: string;
  readonly payload: Buffer;
  /** Over all connections. */
  readonly publishesPerSecond: number;
  readonly seconds: number;
}

/**
 * Publishes at a fixed rate over all connections, whatever the gateway takes of it: what it does not take piles up in this
 * process, so that the load does not yield (open loop). Bounded by its time, and so in what it may pile up.
 */
export class PacedFlood implements AsyncDisposable {
  readonly #options: PacedFloodOptions;
  readonly #sockets: Socket[] = [];
  readonly #ring: Buffer;
  readonly #publishBytes: number;
  /** Publishes handed to each socket, whether the gateway has read them or not. */
  #offeredEach = 0;

  constructor(options: PacedFloodOptions) {
    this.#options = options;
    const { topic, payload } = options;
    const fields = { cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false };
    const publish = (_: unknown, index: number) => generate({ ...fields, messageId: index + 1 } as Packet);
    this.#ring = Buffer.concat(Array.from({ length: ringSize }, publish));
    this.#publishBytes = this.#ring.length / ringSize;
  }

  get offered(): number {
    return this.#offeredEach * this.#options.connections;
  }

  async connect(): Promise<void> {
    const { port, connections } = this.#options;
    for (let index = 0; index < connections; index += 1) {
      const socket = connect({ host: '127.0.0.1', port });
      this.#sockets.push(socket);
      socket.on('error', () => {});
      await once(socket, 'connect');
      const hello = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 };
      socket.write(generate({ ...hello, clientId: `paced-${port}-${index}` } as Packet));
      await once(socket, 'data');
      socket.resume();
    }
  }

  /** Resolves when all of it has been offered. */
  async run(): Promise<void> {
    const { publishesPerSecond, seconds, connections } = this.#options;
    const perSecond = publishesPerSecond / connections;
    const total = Math.ceil(perSecond * seconds);
    const startedAtMs = performance.now();
    while (this.#offeredEach < total) {
      const due = Math.min(total, Math.floor(((performance.now() - startedAtMs) / 1000) * perSecond));
      this.#offer(due - this.#offeredEach);
      await new Promise((resolve) => setTimeout(resolve, tickMs));
    }
  }

  /** The next so many of the ring, to each socket. */
  #offer(count: number): void {
    for (let left = count; left > 0; ) {
      const from = this.#offeredEach % ringSize;
      const next = Math.min(left, ringSize - from);
      const bytes = this.#ring.subarray(from * this.#publishBytes, (from + next) * this.#publishBytes);
      for (const socket of this.#sockets) if (socket.writable) socket.write(bytes);
      this.#offeredEach += next;
      left -= next;
    }
  }

  /** Resets the connections: otherwise the gateway would rightly go on to take what is still on its way. */
  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#sockets.filter((socket) => !socket.closed);
    for (const socket of open) socket.resetAndDestroy();
    await Promise.all(open.map((socket) => once(socket, 'close')));
  }
}
