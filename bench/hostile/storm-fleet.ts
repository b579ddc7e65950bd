import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { connectFrame, dial, type Login } from './wire.ts';

/** What the parent process asks for: all devices at once. */
export interface StormOrder {
  readonly port: number;
  /** Of the authority, in PEM. */
  readonly ca: string;
  readonly devices: readonly Login[];
  /** With the TLS sessions of the storm before. */
  readonly resume: boolean;
}

export interface StormResult {
  /** Until the last device had its CONNACK. */
  readonly seconds: number;
  /** Until half of them had. */
  readonly halfSeconds: number;
  readonly attempts: number;
  /** Of the connections that were made in the end. */
  readonly resumed: number;
}

const leastBackoffMs = 500;
const mostBackoffMs = 8000;
/** A device that is not answered comes again. */
const patienceMs = 30_000;

/** Devices that all connect at once, again and again until they are let in, as a fleet does after an outage. */
class StormFleet {
  readonly #sessions = new Map<string, Buffer>();
  #sockets: Socket[] = [];

  async storm(order: StormOrder): Promise<StormResult> {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets = [];
    const startedAtMs = performance.now();
    const results = await Promise.all(order.devices.map((device) => this.#untilConnected(order, device)));
    const times = results.map(({ atMs }) => (atMs - startedAtMs) / 1000).sort((a, b) => a - b);
    return {
      seconds: times.at(-1) ?? 0,
      halfSeconds: times[Math.floor(times.length / 2)] ?? 0,
      attempts: results.reduce((sum, { attempts }) => sum + attempts, 0),
      resumed: results.filter(({ isResumed }) => isResumed).length,
    };
  }

  async #untilConnected(order: StormOrder, device: Login) {
    let backoffMs = leastBackoffMs;
    for (let attempts = 1; ; attempts += 1) {
      const socket = await this.#connect(order, device);
      if (socket !== undefined) return { attempts, atMs: performance.now(), isResumed: socket.isSessionReused() };
      await new Promise((resolve) => setTimeout(resolve, backoffMs * (0.5 + Math.random())));
      backoffMs = Math.min(mostBackoffMs, backoffMs * 2);
    }
  }

  #connect({ port, ca, resume }: StormOrder, device: Login): Promise<TLSSocket | undefined> {
    const session = resume ? this.#sessions.get(device.deviceId) : undefined;
    const tls: ConnectionOptions = { ca, ...(session === undefined ? {} : { session }) };
    const socket = dial({ port, localAddress: '127.0.0.1', tls }) as TLSSocket;
    socket.on('session', (ticket: Buffer) => this.#sessions.set(device.deviceId, ticket));
    socket.on('error', () => {});
    socket.once('secureConnect', () => socket.write(connectFrame(device)));
    return new Promise((resolve) => {
      const impatient = setTimeout(() => socket.destroy(), patienceMs);
      socket.once('close', () => {
        clearTimeout(impatient);
        resolve(undefined);
      });
      socket.once('data', (chunk: Buffer) => {
        clearTimeout(impatient);
        if (chunk[3] !== 0) {
          socket.destroy();
          return;
        }
        this.#sockets.push(socket);
        resolve(socket);
      });
    });
  }
}

const fleet = new StormFleet();
process.on('message', (order) => {
  void fleet.storm(order as StormOrder).then((result) => process.send?.(result));
});
