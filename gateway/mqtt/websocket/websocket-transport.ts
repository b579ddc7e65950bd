import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { Connection } from '../connection.ts';
import type { Transport } from '../transport.ts';
import { brokenFrames, notBinary, tooLarge } from '../violation.ts';

const carried = Symbol('transport');
interface CarryingSocket extends Socket {
  [carried]?: WebSocketTransport;
}
interface CarryingWebSocket extends WebSocket {
  [carried]?: WebSocketTransport;
}

// One set of listeners for all, as for sockets: see `Listener`.
function onMessage(this: CarryingWebSocket, message: RawData, isBinary: boolean): void {
  this[carried]?.arrived(message as Buffer, isBinary);
}
function onControl(this: CarryingWebSocket, payload: Buffer): void {
  this[carried]?.controlArrived(payload.length);
}
function onError(this: CarryingWebSocket, error: NodeJS.ErrnoException): void {
  this[carried]?.broken(error.code);
}
function onChunk(this: CarryingSocket, chunk: Buffer): void {
  this[carried]?.chunkRead(chunk.length);
}
function onClose(this: CarryingSocket): void {
  this[carried]?.closed();
}

const binaryFrame = { binary: true, compress: false, fin: true } as const;
/** Status codes of RFC 6455, section 7.4.1. */
const closeCodes = { normal: 1000, unsupportedData: 1003, tooLarge: 1009 } as const;
/** Header and mask of a control frame, whose payload is short (RFC 6455, section 5.5). */
const controlHeaderBytes = 6;
const tooLargeError = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';

/**
 * A WebSocket as the transport of a connection (MQTT 5.0, section 6). The frames are only an envelope: their contents,
 * one after the other, are the stream of bytes that TCP would have carried [MQTT-6.0.0-2].
 */
export class WebSocketTransport implements Transport {
  readonly #webSocket: CarryingWebSocket;
  readonly #socket: CarryingSocket;
  #connection: Connection | undefined;
  /** What the present chunk of the socket has completed. Handed on together, so that it is one turn, as over TCP. */
  #messages: Buffer[] = [];
  #hasCompleted = false;
  #hasSeenText = false;
  /** Bytes of a frame that is still arriving, which the library gathers until it is whole. */
  #frameBytes = 0;
  #controlBytes = 0;
  #closeCode: number = closeCodes.normal;

  constructor(webSocket: WebSocket, socket: Socket) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  /** From now on what arrives is that of `connection`. */
  carry(connection: Connection): void {
    this.#connection = connection;
    this.#webSocket[carried] = this;
    this.#socket[carried] = this;
    this.#webSocket.on('message', onMessage).on('ping', onControl).on('pong', onControl).on('error', onError);
    // Behind the library's own listener, so that it has taken a chunk apart when we are told of it.
    this.#socket.on('data', onChunk).on('close', onClose);
    connection.incoming.readOn();
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }
  get destroyed(): boolean {
    return this.#socket.destroyed;
  }
  get readableLength(): number {
    return this.#socket.readableLength;
  }
  get writableLength(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Buffer): void {
    this.#webSocket.send(bytes, binaryFrame);
  }
  end(lastBytes?: Buffer): void {
    if (lastBytes !== undefined) this.write(lastBytes);
    this.#webSocket.close(this.#closeCode);
  }
  /** Not those of the socket: the library pauses and resumes that for reasons of its own, too. */
  pause(): void {
    this.#webSocket.pause();
  }
  resume(): void {
    this.#webSocket.resume();
  }
  read(): void {
    this.#socket.read();
  }
  destroy(): void {
    this.#socket.destroy();
  }

  /** A message is complete. Control packets come in binary ones only [MQTT-6.0.0-1]. */
  arrived(message: Buffer, isBinary: boolean): void {
    this.#hasCompleted = true;
    if (!isBinary) this.#hasSeenText = true;
    else if (message.length > 0 && !this.#hasSeenText) this.#messages.push(message);
  }

  /** Pings and pongs are the library's matter; they are not kept. */
  controlArrived(payloadBytes: number): void {
    this.#controlBytes += controlHeaderBytes + payloadBytes;
  }

  /** A chunk of the socket has been taken apart. */
  chunkRead(bytes: number): void {
    const connection = this.#connection;
    const messages = this.#messages;
    this.#countFrame(bytes);
    if (messages.length > 0) this.#messages = [];
    if (connection === undefined) return;
    if (connection.hasEnded) {
      connection.incoming.discarded(bytes);
      return;
    }
    const [first] = messages;
    if (first !== undefined) {
      connection.incoming.received(messages.length === 1 ? first : Buffer.concat(messages), bytes);
    }
    if (this.#hasSeenText && !connection.hasEnded) {
      this.#closeCode = closeCodes.unsupportedData;
      connection.violated(notBinary);
    }
    // Whatever came may have ended it: then nothing is counted any more.
    if (connection.hasEnded || connection.incoming.mayGather(this.#frameBytes)) return;
    this.#closeCode = closeCodes.tooLarge;
    connection.violated(tooLarge);
  }

  /** The rest of a chunk behind a complete message is not counted: less than one read of a socket. */
  #countFrame(bytes: number): void {
    const counted = this.#frameBytes + bytes - this.#controlBytes;
    this.#frameBytes = this.#hasCompleted ? 0 : Math.max(0, counted);
    this.#hasCompleted = false;
    this.#controlBytes = 0;
  }

  /** The library has refused a frame, and closes (RFC 6455, section 7.1.7). */
  broken(code: string | undefined): void {
    const connection = this.#connection;
    if (connection === undefined || connection.hasEnded) return;
    connection.violated(code === tooLargeError ? tooLarge : brokenFrames);
  }

  closed(): void {
    this.#connection?.transportClosed();
  }
}
