import { connect, type Socket } from 'node:net';
import { type GatewayAddresses, GatewayChoice, type Redirection } from './addresses.ts';
import { type BackoffOptions, backoffMs } from './backoff.ts';
import { Exchange, type ExchangeObserver } from './exchange.ts';
import {
  type ConnectOptions,
  connectFrame,
  disconnectFrame,
  FrameSplitter,
  type MqttVersion,
  packetType,
  pingRequest,
  pubrelFrame,
  readConnack,
  readDisconnect,
} from './frames.ts';
import { type OutboundMessage, Outbox } from './outbox.ts';
import { describeCode, isFinalRefusal, redirectionOf } from './reasons.ts';

/** What a device's connection tells. All calls are synchronous; none may throw. */
export interface ConnectionObserver extends ExchangeObserver {
  opened(device: number): void;
  /**
   * Lost, or never opened; it is tried again by itself.
   *
   * @param isFinal refused for a reason that does not pass
   */
  closed(device: number, wasOpen: boolean, reason: string, isFinal: boolean): void;
  /** Told before the bytes of a PUBLISH leave; `message.sent` says whether it is sent again. */
  sent(device: number, message: OutboundMessage): void;
}

/**
 * How a connection is broken on purpose: with a PUBLISH written in part, right after one was written whole (so that its
 * acknowledgement finds nobody), or at once.
 */
export const breakages = ['mid-publish', 'before-puback', 'plain'] as const;
export type Breakage = (typeof breakages)[number];

export interface ConnectionOptions {
  readonly addresses: GatewayAddresses;
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

/** More about the end of a connection. */
interface Loss {
  readonly isFinal?: boolean;
  readonly redirection?: Redirection | undefined;
}

type State = 'idle' | 'connecting' | 'open' | 'ended';

/** One device's MQTT client. Has no timers of its own: `tick` is called for the whole fleet. */
export class DeviceConnection {
  readonly #device: number;
  readonly #options: ConnectionOptions;
  readonly #observer: ConnectionObserver;
  readonly #splitter = new FrameSplitter();
  readonly #gateway: GatewayChoice;
  readonly #exchange: Exchange;
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
  #breakage: Breakage | undefined;

  constructor(device: number, options: ConnectionOptions, observer: ConnectionObserver) {
    this.#device = device;
    this.#options = options;
    this.#observer = observer;
    this.#window = options.window;
    this.#keepAliveMs = options.connect.keepAliveSeconds * 1000;
    this.outbox = new Outbox(options.backlog);
    this.#exchange = new Exchange(device, options.connect.version, this.outbox, observer);
    this.#gateway = new GatewayChoice(options.addresses, device);
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

  /** Whether a message would be written at once, with nothing ahead of it that waits. */
  get isClear(): boolean {
    return this.#state === 'open' && this.outbox.isWritten;
  }

  /** Writes a PUBLISH of QoS 0, which is never written again. Only when `isClear`. */
  publishOnce(frame: Buffer, nowMs: number): void {
    this.#lastWriteMs = nowMs;
    this.#socket?.write(frame);
  }

  /** Does what is due: connect, give up an attempt, keep alive. Called some ten times a second. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#state === 'idle' && nowMs >= this.#connectAtMs) this.#connect();
    else if (nowMs >= this.#deadlineMs)
      this.#lose(this.#state === 'open' ? 'no answer to PINGREQ' : 'no CONNACK in time');
    else if (this.#state === 'open' && this.#keepAliveMs > 0) this.#keepAlive(nowMs);
  }

  /** Breaks the connection on purpose: `plain` now, the others with the next PUBLISH. Without a connection, nothing. */
  breakWith(breakage: Breakage): void {
    if (this.#state !== 'open') return;
    if (breakage === 'plain') this.#lose('reset on purpose');
    else this.#breakage = breakage;
  }

  /** DISCONNECT and close, for good. */
  end(): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'ended';
    if (wasOpen) this.#socket?.end(disconnectFrame(this.version));
    else this.#socket?.destroy();
  }

  /** Cuts the connection at once, after `end` or without it. */
  destroy(): void {
    this.#state = 'ended';
    this.#socket?.destroy();
  }

  get version(): MqttVersion {
    return this.#options.connect.version;
  }

  #connect(): void {
    const { readBuffer, connectTimeoutMs } = this.#options;
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
    const socket = connect({ ...this.#gateway.current, noDelay: true, onread });
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
    } else if (type === packetType.pingresp) {
      this.#deadlineMs = Number.POSITIVE_INFINITY;
    } else if (type === packetType.disconnect) {
      const { code, serverReference } = readDisconnect(frame);
      const redirection = redirectionOf(code, this.version, serverReference);
      this.#lose(`server DISCONNECT ${describeCode(code, 5)}`, { redirection });
    } else {
      const answer = this.#exchange.handle(frame, bodyOffset);
      if (answer) this.#socket?.write(answer);
    }
  }

  #handleConnack(frame: Buffer): void {
    const answer = frame.length === 0 ? undefined : readConnack(frame, this.version);
    if (!answer) {
      this.#lose('the first packet was not CONNACK');
      return;
    }
    if (answer.code !== 0) {
      this.#lose(`refused: ${describeCode(answer.code, this.version)}`, {
        isFinal: isFinalRefusal(answer.code, this.version),
        redirection: redirectionOf(answer.code, this.version, answer.serverReference),
      });
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

  /** Writes what the window allows, as one segment when it is more than one message. */
  #pump(): void {
    const socket = this.#socket;
    let message = this.outbox.takeNext(this.#window);
    if (!socket || !message) return;
    this.#lastWriteMs = this.#nowMs;
    socket.cork();
    for (; message; message = this.outbox.takeNext(this.#window)) {
      if (message.released) {
        socket.write(pubrelFrame(message.packetId));
        continue;
      }
      this.#observer.sent(this.#device, message);
      message.sent = true;
      if (this.#breakage) {
        this.#breakAt(socket, message.frame, this.#breakage);
        return;
      }
      socket.write(message.frame);
    }
    socket.uncork();
  }

  /** Writes the frame, or a part of it, and cuts the connection as soon as the bytes have left. */
  #breakAt(socket: Socket, frame: Buffer, breakage: Breakage): void {
    const partBytes = 1 + Math.floor(this.#options.random() * (frame.length - 1));
    const bytes = breakage === 'mid-publish' ? frame.subarray(0, partBytes) : frame;
    // From here on the socket is nobody's: what it still receives is not read.
    this.#socket = undefined;
    socket.write(bytes, () => socket.destroy());
    socket.uncork();
    this.#lose(`cut on purpose, ${breakage}`);
  }

  /** A ping when the connection was quiet for three quarters of the keep-alive; then an answer within as long again. */
  #keepAlive(nowMs: number): void {
    if (nowMs - this.#lastWriteMs < this.#keepAliveMs * 0.75) return;
    this.#lastWriteMs = nowMs;
    this.#socket?.write(pingRequest);
    if (this.#deadlineMs === Number.POSITIVE_INFINITY) this.#deadlineMs = nowMs + this.#keepAliveMs * 1.5;
  }

  #lose(reason: string, { isFinal = false, redirection }: Loss = {}): void {
    if (this.#state === 'ended') return;
    const wasOpen = this.#state === 'open';
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    this.outbox.rewind();
    if (redirection) this.#gateway.redirect(redirection);
    else this.#gateway.next();
    this.#state = 'idle';
    this.#breakage = undefined;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    this.#connectAtMs = this.#nowMs + backoffMs(this.#attempt, this.#options.backoff, this.#options.random());
    this.#attempt += 1;
    this.#observer.closed(this.#device, wasOpen, reason, isFinal);
  }
}
