import net from 'node:net';
import { connectFrame, type Device, type PublishFrame } from './frames.ts';

/** What a connection tells whoever paces it. Called synchronously while a read is handled. */
export interface ConnectionListener {
  /**
   * The server has acknowledged what was published in `slot`, which is free again.
   *
   * @param intendedAtMs what was given to `publish`. @param nowMs `performance.now()` when the read was handled.
   */
  acknowledged(connection: LoadConnection, intendedAtMs: number, nowMs: number): void;
  /** The connection ended or the server broke the protocol. Called at most once; nothing follows. */
  failed(connection: LoadConnection, error: Error): void;
}

/** Every packet that a server sends to this client, CONNACK and PUBACK of MQTT 3.1.1, is four bytes long. */
const packetBytes = 4;
const connackByte = 0x20;
const pubackByte = 0x40;

/**
 * One MQTT 3.1.1 client that only publishes with QoS 1. Sends pre-encoded frames, one write (one TCP segment) each, at
 * most one per slot; checks that each PUBACK names a packet identifier that is outstanding.
 */
export class LoadConnection {
  readonly #frames: readonly PublishFrame[];
  readonly #listener: ConnectionListener;
  readonly #intendedAtMs: Float64Array;
  readonly #outstanding: Uint8Array;
  readonly #freeSlots: number[];
  readonly #partial = Buffer.alloc(packetBytes);
  #partialBytes = 0;
  #sequence = 0;
  #socket: net.Socket | undefined;
  #onConnack: ((returnCode: number) => void) | undefined;
  #closed = false;

  constructor(frames: readonly PublishFrame[], listener: ConnectionListener) {
    this.#frames = frames;
    this.#listener = listener;
    this.#intendedAtMs = new Float64Array(frames.length);
    this.#outstanding = new Uint8Array(frames.length);
    this.#freeSlots = frames.map((_, slot) => slot);
  }

  get freeSlots(): number {
    return this.#freeSlots.length;
  }

  get unacknowledged(): number {
    return this.#frames.length - this.#freeSlots.length;
  }

  /** Resolves once the server has accepted the CONNECT. Rejects when it refuses or the socket fails. */
  connect(host: string, port: number, device: Device): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        if (this.#closed) return;
        this.close();
        reject(error);
        this.#listener.failed(this, error);
      };
      this.#onConnack = (returnCode) => {
        if (returnCode === 0) resolve();
        else fail(new Error(`CONNECT of ${device.deviceId} refused with return code ${returnCode}`));
      };
      const socket = net.connect({ host, port, noDelay: true, onread: this.#reader(fail) });
      socket.once('connect', () => socket.write(connectFrame(device)));
      socket.on('error', fail);
      socket.once('close', () => fail(new Error(`the server closed the connection of ${device.deviceId}`)));
      this.#socket = socket;
    });
  }

  /**
   * Publishes in a free slot. Must not be called without one.
   *
   * @param intendedAtMs `performance.now()` at which it was meant to be sent; its latency counts from there.
   * @param eventTimeMs milliseconds since the epoch.
   */
  publish(intendedAtMs: number, eventTimeMs: number): void {
    const slot = this.#freeSlots.pop() as number;
    const frame = this.#frames[slot] as PublishFrame;
    this.#sequence += 1;
    frame.stamp(this.#sequence, eventTimeMs);
    this.#outstanding[slot] = 1;
    this.#intendedAtMs[slot] = intendedAtMs;
    this.#socket?.write(frame.bytes);
  }

  /** Resets the connection: thousands of sockets in TIME_WAIT would eat the ports of the next run. */
  close(): void {
    this.#closed = true;
    this.#socket?.resetAndDestroy();
  }

  /** Reads into a buffer of the connection's own, so that no read allocates. */
  #reader(fail: (error: Error) => void): net.OnReadOpts {
    return {
      buffer: Buffer.alloc(1024),
      callback: (bytes, buffer) => {
        try {
          this.#read(buffer, bytes, performance.now());
        } catch (error) {
          fail(error as Error);
        }
        return true;
      },
    };
  }

  #read(buffer: Uint8Array, end: number, nowMs: number): void {
    let at = 0;
    while (at < end) {
      if (this.#partialBytes === 0 && end - at >= packetBytes) {
        this.#packet(buffer, at, nowMs);
        at += packetBytes;
        continue;
      }
      this.#partial[this.#partialBytes++] = buffer[at++] as number;
      if (this.#partialBytes === packetBytes) {
        this.#partialBytes = 0;
        this.#packet(this.#partial, 0, nowMs);
      }
    }
  }

  #packet(buffer: Uint8Array, at: number, nowMs: number): void {
    const type = buffer[at] as number;
    if (buffer[at + 1] !== 2) throw new Error(`a packet that this client never asked for, type byte ${type}`);
    if (type === pubackByte) {
      this.#puback(((buffer[at + 2] as number) << 8) | (buffer[at + 3] as number), nowMs);
    } else if (type === connackByte) this.#onConnack?.(buffer[at + 3] as number);
    else throw new Error(`a packet that this client never asked for, type byte ${type}`);
  }

  #puback(packetId: number, nowMs: number): void {
    const slot = packetId - 1;
    if (this.#outstanding[slot] !== 1) throw new Error(`PUBACK for packet identifier ${packetId}: not outstanding`);
    this.#outstanding[slot] = 0;
    this.#freeSlots.push(slot);
    this.#listener.acknowledged(this, this.#intendedAtMs[slot] as number, nowMs);
  }
}
