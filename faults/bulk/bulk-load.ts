import { setTimeout as delay } from 'node:timers/promises';
import { Ledger } from '../../device-simulator/core/ledger.ts';
import { randomStream } from '../../device-simulator/core/random.ts';
import { GatewayAddresses } from '../../device-simulator/mqtt/addresses.ts';
import { type ConnectionObserver, DeviceConnection } from '../../device-simulator/mqtt/connection.ts';
import { publishFrame } from '../../device-simulator/mqtt/frames.ts';
import type { OutboundMessage } from '../../device-simulator/mqtt/outbox.ts';
import { BulkPayloads } from './payload.ts';

export interface BulkVehicle {
  readonly deviceId: string;
  readonly vehicleId: string;
  readonly secret: string;
}

export interface BulkOptions {
  readonly port: number;
  readonly vehicles: readonly BulkVehicle[];
  readonly payloadBytes: number;
  /** Unanswered publishes per vehicle. */
  readonly window: number;
  readonly seed: number;
}

const stepMs = 10;
const lookEveryMs = 20;
const lowReadBytes = 16 * 1024;

/**
 * Vehicles that publish large payloads which do not compress, on the route for raw bytes (answers to commands): the way
 * to fill a gigabyte within minutes. QoS 1, MQTT 5; each vehicle keeps its order, also over reconnects.
 */
export class BulkLoad implements ConnectionObserver, AsyncDisposable {
  /** What was sent and answered, by vehicle; kept here, because this process is not the one that is killed. */
  readonly ledger = new Ledger();
  readonly payloads: BulkPayloads;
  readonly runId: number;
  /** Publishes sent again after a connection was lost. */
  resent = 0;
  acknowledgedBytes = 0;
  readonly #options: BulkOptions;
  readonly #connections: DeviceConnection[];
  readonly #sequences: number[];
  readonly #timer: NodeJS.Timeout;
  /** Bytes that may be published now; infinite for as fast as they are answered. */
  #allowance = 0;
  #bytesPerSecond = 0;
  #lastStepMs = performance.now();
  #turn = 0;

  constructor(options: BulkOptions) {
    this.#options = options;
    this.runId = options.seed >>> 0;
    this.payloads = new BulkPayloads(this.runId);
    const addresses = new GatewayAddresses([{ host: '127.0.0.1', port: options.port }]);
    const readBuffer = Buffer.alloc(lowReadBytes);
    const random = randomStream(options.seed, 0x6275_6c64);
    this.#connections = options.vehicles.map(({ deviceId, vehicleId, secret }, device) => {
      this.ledger.open(vehicleId, this.runId, deviceId);
      return new DeviceConnection(
        device,
        {
          ...{ addresses, readBuffer, window: options.window, backlog: options.window, connectTimeoutMs: 15_000 },
          connect: { clientId: deviceId, username: deviceId, password: secret, keepAliveSeconds: 60, version: 5 },
          backoff: { firstMs: 100, maxMs: 1000 },
          random: () => random.next(),
        },
        this,
      );
    });
    this.#sequences = options.vehicles.map(() => 0);
    for (const connection of this.#connections) connection.openAt(performance.now());
    this.#timer = setInterval(() => this.#step(), stepMs);
  }

  /** From now on all vehicles together publish so much; infinite: as fast as they are answered; 0: nothing new. */
  setRate(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#allowance = 0;
    this.#lastStepMs = performance.now();
  }

  get connected(): number {
    return this.#connections.filter((connection) => connection.isOpen).length;
  }

  get outstanding(): number {
    return this.#connections.reduce((sum, connection) => sum + connection.outbox.size, 0);
  }

  /** Stops publishing and waits until everything is answered. Returns how many publishes are not. */
  async drain(deadlineMs: number): Promise<number> {
    this.setRate(0);
    const endMs = performance.now() + deadlineMs;
    while (this.outstanding > 0 && performance.now() < endMs) await delay(lookEveryMs);
    return this.outstanding;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const connection of this.#connections) connection.end();
    await delay(lookEveryMs);
    for (const connection of this.#connections) connection.destroy();
  }

  sent(device: number, message: OutboundMessage): void {
    if (message.sent) this.resent += 1;
    this.ledger.recordSent(device, message.sequence);
  }

  acknowledged(device: number, message: OutboundMessage): void {
    this.acknowledgedBytes += this.#options.payloadBytes;
    this.ledger.recordAcknowledged(device, message.sequence);
  }

  rejected(device: number, message: OutboundMessage): void {
    this.ledger.recordRejected(device, message.sequence);
  }

  opened(): void {}

  closed(): void {}

  #step(): void {
    const nowMs = performance.now();
    for (const connection of this.#connections) connection.tick(nowMs);
    this.#allowance += (this.#bytesPerSecond * (nowMs - this.#lastStepMs)) / 1000;
    this.#lastStepMs = nowMs;
    const { window, payloadBytes } = this.#options;
    // Round and round, so that a small allowance is not always the first vehicle's.
    for (let full = 0; this.#allowance >= payloadBytes && full < this.#connections.length; this.#turn += 1) {
      const device = this.#turn % this.#connections.length;
      const connection = this.#connections[device] as DeviceConnection;
      if (!connection.isOpen || connection.outbox.size >= window) full += 1;
      else {
        full = 0;
        this.#allowance -= payloadBytes;
        this.#publish(device, connection, nowMs);
      }
    }
    // What nobody could take is not made up for later.
    this.#allowance = Math.min(this.#allowance, payloadBytes * this.#connections.length * window);
  }

  #publish(device: number, connection: DeviceConnection, nowMs: number): void {
    const { vehicles, payloadBytes } = this.#options;
    const sequence = (this.#sequences[device] ?? 0) + 1;
    this.#sequences[device] = sequence;
    const packetId = connection.outbox.nextPacketId();
    const topic = Buffer.from(`v1/vehicles/${vehicles[device]?.vehicleId}/commands/c${sequence}/ack`);
    const frame = publishFrame(topic, packetId, this.payloads.make(device, sequence, payloadBytes), 5, 1);
    const message = { sequence, intendedMs: nowMs, packetId, frame, sent: false, released: false, settled: false };
    connection.publish(message, nowMs);
  }
}
