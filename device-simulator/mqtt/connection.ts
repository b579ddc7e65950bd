import { connect, type Socket } from 'node:net';
import { type BackoffOptions, backoffMs } from './backoff.ts';
import {
  type ConnectOptions,
  connectFrame,
  disconnectFrame,
  FrameSplitter,
  type MqttVersion,
  packetType,
  pingRequest,
  readConnack,
} from './frames.ts';
import { type OutboundMessage, Outbox } from './outbox.ts';
import { describeCode, isFinalRefusal } from './reasons.ts';

/** What a device's connection tells. All calls are synchronous; none may throw. */
export interface ConnectionObserver {
  opened(device: number): void;
  /**
   * Lost, or never opened; it is tried again by itself.
   *
   * @param isFinal refused for a reason that does not pass
   */
  closed(device: number, wasOpen: boolean, reason: string, isFinal: boolean): void;
  sent(device: number, message: OutboundMessage): void;
  acknowledged(device: number, message: OutboundMessage): void;
  /** MQTT 5: PUBACK with a reason code of 0x80 or more. */
  rejected(device: number, message: OutboundMessage, code: number): void;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly connect: ConnectOptions;
  /** Messages in flight at once; MQTT 5 takes the server's receive maximum when it is smaller. */
  readonly window: number;
  readonly backlog: number;
  readonly connectTimeoutMs: number;
  readonly backoff: BackoffOptions;
  /** Where inbound bytes land: one for the whole fleet, because they are consumed before the callback returns. */
  readonly readBuffer: Buffer;
  readonly random: () => number;
}

type State = 'idle' | 'connecting' | 'open' | 'ended';

/** One device's MQTT client. Has no timers of its own: `tick` is called for the whole fleet. */
export class DeviceConnection {
  readonly #device: number;
  readonly #options: ConnectionOptions;
  readonly #observer: ConnectionObserver;
  readonly #splitter = new FrameSplitter();
  readonly outbox: Outbox;
  #socket: Socket | undefined;
  #state: State = 'idle';
  #window: number;
  #attempt = 0;
  #keepAliveMs: number;
  #connectAtMs = Number.POSITIVE_INFINITY;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #lastWriteMs = 0;
  #nowMs = 0;

  constructor(device: number, options: ConnectionOptions, observer: ConnectionObserver) {
    this.#device = device;
    this.#options = options;
    this.#observer = observer;
    this.#window = options.window;
    this.#keepAliveMs = options.connect.keepAliveSeconds * 1000;
    this.outbox = new Outbox(options.backlog);
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Opens the connection at `atMs` of the clock that `tick` is called with, and keeps it open until `end`. */
  openAt(atMs: number): void {
    this.#connectAtMs = atMs;
  }

  /** Takes a message; it is written now, or when the connection and its window have room. */
  publish(message: OutboundMessage, nowMs: number): void {
    this.#nowMs = nowMs;
    this.outbox.add(message);
    if (this.#state === 'open') this.#pump();
  }

  /** Does what is due: connect, give up an attempt, keep alive. Called some ten times a second. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#state === 'idle' && nowMs >= this.#connectAtMs) this.#connect();
    else if (nowMs >= this.#deadlineMs)
      this.#lose(this.#state === 'open' ? 'no answer to PINGREQ' : 'no CONNACK in time');
    else if (this.#state === 'open' && this.#keepAliveMs > 0) this.#keepAlive(nowMs);
  }

  /** DISCONNECT and close, for good. */
  end(): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'ended';
    if (wasOpen) this.#socket?.end(disconnectFrame(this.#version));
    else this.#socket?.destroy();
  }

  /** Cuts the connection at once, after `end` or without it. */
  destroy(): void {
    this.#state = 'ended';
    this.#socket?.destroy();
  }

  get #version(): MqttVersion {
    return this.#options.connect.version;
  }

  #connect(): void {
    const { host, port, readBuffer, connectTimeoutMs } = this.#options;
    this.#state = 'connecting';
    this.#deadlineMs = this.#nowMs + connectTimeoutMs;
    this.#splitter.reset();
    const onread = {
      buffer: readBuffer,
      callback: (bytes: number, buffer: Uint8Array): boolean => {
        if (this.#socket === socket) this.#received(buffer as Buffer, bytes);
        return true;
      },
    };
    const socket = connect({ host, port, noDelay: true, onread });
    this.#socket = socket;
    socket.on('connect', () => socket.write(connectFrame(this.#options.connect)));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#socket === socket) this.#lose(error.code ?? error.message);
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.#lose('closed by the server');
    });
  }

  #received(buffer: Buffer, bytes: number): void {
    const whole = this.#splitter.push(buffer.subarray(0, bytes), (frame, bodyOffset) => {
      this.#handle(frame, bodyOffset);
      return this.#state === 'open';
    });
    if (!whole) this.#lose('the server does not speak MQTT');
    else if (this.#state === 'open') this.#pump();
  }

  #handle(frame: Buffer, bodyOffset: number): void {
    const type = (frame[0] as number) >> 4;
    if (this.#state === 'connecting') {
      this.#handleConnack(type === packetType.connack ? frame : Buffer.alloc(0));
    } else if (type === packetType.puback) {
      this.#handlePuback(frame, bodyOffset);
    } else if (type === packetType.pingresp) {
      this.#deadlineMs = Number.POSITIVE_INFINITY;
    } else if (type === packetType.disconnect) {
      this.#lose(`server DISCONNECT ${describeCode(frame[bodyOffset] ?? 0, 5)}`);
    }
  }

  #handleConnack(frame: Buffer): void {
    const answer = frame.length === 0 ? undefined : readConnack(frame, this.#version);
    if (!answer) {
      this.#lose('the first packet was not CONNACK');
      return;
    }
    if (answer.code !== 0) {
      const reason = `refused: ${describeCode(answer.code, this.#version)}`;
      this.#lose(reason, isFinalRefusal(answer.code, this.#version));
      return;
    }
    this.#state = 'open';
    this.#attempt = 0;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    this.#lastWriteMs = this.#nowMs;
    this.#window = Math.min(this.#options.window, answer.receiveMaximum);
    if (answer.serverKeepAliveSeconds !== undefined) this.#keepAliveMs = answer.serverKeepAliveSeconds * 1000;
    this.#observer.opened(this.#device);
  }

  #handlePuback(frame: Buffer, bodyOffset: number): void {
    if (frame.length < bodyOffset + 2) return;
    const message = this.outbox.settle(frame.readUInt16BE(bodyOffset));
    if (!message) return;
    // MQTT 5.0 section 3.4.2.1: without a reason code, success.
    const code = this.#version === 5 ? (frame[bodyOffset + 2] ?? 0) : 0;
    if (code < 0x80) this.#observer.acknowledged(this.#device, message);
    else this.#observer.rejected(this.#device, message, code);
  }

  /** Writes what the window allows, as one segment when it is more than one message. */
  #pump(): void {
    const socket = this.#socket;
    let message = this.outbox.takeNext(this.#window);
    if (!socket || !message) return;
    this.#lastWriteMs = this.#nowMs;
    socket.cork();
    for (; message; message = this.outbox.takeNext(this.#window)) {
      this.#observer.sent(this.#device, message);
      message.sent = true;
      socket.write(message.frame);
    }
    socket.uncork();
  }

  /** A ping when the connection was quiet for three quarters of the keep-alive; then an answer within as long again. */
  #keepAlive(nowMs: number): void {
    if (nowMs - this.#lastWriteMs < this.#keepAliveMs * 0.75) return;
    this.#lastWriteMs = nowMs;
    this.#socket?.write(pingRequest);
    if (this.#deadlineMs === Number.POSITIVE_INFINITY) this.#deadlineMs = nowMs + this.#keepAliveMs * 1.5;
  }

  #lose(reason: string, isFinal = false): void {
    if (this.#state === 'ended') return;
    const wasOpen = this.#state === 'open';
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    this.outbox.rewind();
    this.#state = 'idle';
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    this.#connectAtMs = this.#nowMs + backoffMs(this.#attempt, this.#options.backoff, this.#options.random());
    this.#attempt += 1;
    this.#observer.closed(this.#device, wasOpen, reason, isFinal);
  }
}
