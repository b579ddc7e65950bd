import type { Socket } from 'node:net';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { telemetryPayload } from '../../test/support/telemetry.ts';
import { Latencies, type Percentiles } from '../load/latencies.ts';
import { type Login, logIn, type Route } from './wire.ts';

export interface HonestDevice extends Login {
  readonly vehicleId: string;
}

/** What was seen since the last look. */
export interface HonestWindow {
  readonly published: number;
  readonly latency: Percentiles;
}

const loginsAtOnce = 8;

/** Devices that publish at QoS 1, evenly, whatever else happens, and count the time to each PUBACK from when it was due. */
export class HonestFleet implements AsyncDisposable {
  readonly #devices: readonly HonestDevice[];
  readonly #sockets: Socket[] = [];
  readonly #sentAtMs: Map<number, number>[] = [];
  readonly #sequences: number[] = [];
  readonly #latencies = new Latencies();
  #published = 0;
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;
  #ended = false;
  /** Connections that were closed by the gateway. */
  closed = 0;
  /** Publishes over all windows, and those that were acknowledged. */
  sent = 0;
  acknowledged = 0;

  constructor(devices: readonly HonestDevice[]) {
    this.#devices = devices;
  }

  /** Connects all of them. @throws {Error} when one is not let in. */
  async connect(route: Route): Promise<void> {
    for (let from = 0; from < this.#devices.length; from += loginsAtOnce) {
      const some = this.#devices.slice(from, from + loginsAtOnce);
      const logins = await Promise.all(some.map((device) => logIn(route, device, true)));
      for (const { answer, socket } of logins) {
        if (answer !== '0x00') throw new Error(`an honest device was answered ${answer}`);
        this.#listen(socket);
      }
    }
  }

  #listen(socket: Socket): void {
    this.#sockets.push(socket);
    const waiting = new Map<number, number>();
    this.#sentAtMs.push(waiting);
    this.#sequences.push(0);
    const parse = mqttPacket.parser({ protocolVersion: 5 } as never);
    parse.on('packet', (packet: Packet) => {
      const dueAtMs = waiting.get(packet.messageId ?? 0);
      if (packet.cmd !== 'puback' || dueAtMs === undefined) return;
      waiting.delete(packet.messageId ?? 0);
      this.acknowledged += 1;
      this.#latencies.record(performance.now() - dueAtMs);
    });
    socket.on('data', (chunk: Buffer) => parse.parse(chunk));
    socket.on('close', () => {
      if (!this.#ended) this.closed += 1;
    });
  }

  /** Publishes so many messages a second, over all devices, from now on. */
  start(messagesPerSecond: number): void {
    const intervalMs = 1000 / messagesPerSecond;
    let dueAtMs = performance.now();
    const tick = (): void => {
      const nowMs = performance.now();
      for (; dueAtMs <= nowMs; dueAtMs += intervalMs) this.#publish(dueAtMs);
      this.#timer = setTimeout(tick, Math.max(0, dueAtMs - performance.now()));
    };
    tick();
  }

  #publish(dueAtMs: number): void {
    const index = this.#turn % this.#devices.length;
    this.#turn += 1;
    const socket = this.#sockets[index];
    const device = this.#devices[index];
    if (socket === undefined || device === undefined || socket.destroyed) return;
    const sequence = (this.#sequences[index] ?? 0) + 1;
    this.#sequences[index] = sequence;
    const messageId = (sequence % 65_535) + 1;
    this.#sentAtMs[index]?.set(messageId, dueAtMs);
    const { vehicleId } = device;
    const topic = `v1/vehicles/${vehicleId}/telemetry`;
    const payload = telemetryPayload(vehicleId, sequence);
    const packet = { cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false, messageId } as const;
    socket.write(mqttPacket.generate(packet, { protocolVersion: 5 }));
    this.sent += 1;
    this.#published += 1;
  }

  /** What was seen since the last call. */
  look(): HonestWindow {
    const window = { published: this.#published, latency: this.#latencies.percentiles() };
    this.#latencies.reset();
    this.#published = 0;
    return window;
  }

  /** No further publishes. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    this.#ended = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}
