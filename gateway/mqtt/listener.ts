import type { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { ClientCertificate } from '../core/client-certificate.ts';
import type { Connection } from './connection.ts';
import type { ListenerOptions } from './context.ts';
import { ProxiedSockets } from './proxy-protocol/proxied-sockets.ts';
import { SecureListener } from './secure-listener.ts';
import type { Transport } from './transport.ts';
import { Upgrades } from './websocket/upgrades.ts';

const connectionOf = Symbol('connection');
interface EdgeSocket extends Socket {
  [connectionOf]?: Connection;
}

// One set of listeners for all sockets: a closure per socket and event would cost more than the connection's own state.
function onData(this: EdgeSocket, chunk: Buffer): void {
  this[connectionOf]?.incoming.received(chunk);
}
function onClose(this: EdgeSocket): void {
  this[connectionOf]?.transportClosed();
}
/** 'close' follows, and says all that there is to say. */
function onError(): void {}

/**
 * Stream buffer of a socket. Small, because it fills only while a connection is paused: then one read is kept, and no
 * more. A connection that is read takes its chunks directly.
 */
const highWaterMarkBytes = 1_024;
/** When a silent peer is probed by TCP: the only way to notice one that asked for no keep-alive (3.1.1). */
const tcpKeepAliveDelayMs = 60_000;

/** The server behind a listener. */
export interface ListenerOwner {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly maxPacketBytes: number;
  /** Whether there are too many sockets; then `socket` is closed. */
  refuses(socket: Socket, options: ListenerOptions): boolean;
  /** Whether a socket may come from its address; it is closed otherwise. */
  arrive(socket: Socket): boolean;
  /** Begins the TLS handshake of a socket, now or when it is its turn. */
  shakeHands(socket: Socket, secure: SecureListener): void;
  /** MQTT is spoken from now on, over `socket`. Undefined: the transport was closed instead. */
  accept(
    transport: Transport,
    options: ListenerOptions,
    certificate: ClientCertificate | undefined,
    socket: Socket,
  ): Connection | undefined;
}

/**
 * One address that devices connect to, and the way of a socket from accept until MQTT is spoken on it: header of the PROXY
 * protocol, TLS, WebSocket, in this order, each where the listener has it and each within limits of its own.
 */
export class Listener {
  readonly options: ListenerOptions;
  readonly #owner: ListenerOwner;
  readonly #server: Server;
  readonly #proxied: ProxiedSockets | undefined;
  /** Undefined where MQTT is spoken in plain text. */
  readonly secure: SecureListener | undefined;
  readonly #upgrades: Upgrades | undefined;

  constructor(options: ListenerOptions, owner: ListenerOwner) {
    const { name, tls, webSocket, proxyProtocol } = options;
    this.options = options;
    this.#owner = owner;
    this.#upgrades =
      webSocket &&
      new Upgrades(name, webSocket, owner.maxPacketBytes, (transport, certificate, socket) => {
        // A list may have named it since its handshake.
        if (certificate !== undefined && this.secure?.isRevoked(certificate) === true) {
          transport.destroy();
          return;
        }
        const connection = owner.accept(transport, options, certificate, socket);
        if (connection !== undefined) transport.carry(connection);
      });
    this.secure =
      tls &&
      new SecureListener(name, tls, webSocket === undefined ? 'mqtt' : 'http/1.1', owner.now, (socket, certificate) =>
        this.#secured(socket, certificate),
      );
    this.#proxied = proxyProtocol && new ProxiedSockets(name, proxyProtocol, (socket) => this.#admit(socket));
    this.#server = createServer(
      {
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: tcpKeepAliveDelayMs,
        highWaterMark: highWaterMarkBytes,
      },
      (socket) => (this.#proxied === undefined ? this.#admit(socket) : this.#proxied.begin(socket)),
    );
  }

  /** @param failed told of errors once it listens: for example too many open files at accept. */
  async listen(failed: (error: Error) => void): Promise<void> {
    const { host, port } = this.options;
    this.#server.listen({ host, port, backlog: 4096 });
    await once(this.#server, 'listening');
    // An event without a listener would end the process.
    this.#server.on('error', failed);
  }

  /** Where it listens; undefined when it does not. */
  get address(): AddressInfo | undefined {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? undefined : address;
  }

  /** Headers of the PROXY protocol that are waited for. */
  get proxyHeaders(): number {
    return this.#proxied?.pending ?? 0;
  }
  get handshakes(): number {
    return this.secure?.handshakes ?? 0;
  }
  /** HTTP requests that may become WebSockets. */
  get upgrades(): number {
    return this.#upgrades?.pending ?? 0;
  }

  stopAccepting(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Ends what is on its way to be a connection. */
  abandon(): void {
    this.#proxied?.abandon();
    this.secure?.abandon();
    this.#upgrades?.abandon();
  }

  /** Resolves when it is closed, and all of its sockets are. */
  closed(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #admit(socket: Socket): void {
    if (!this.#owner.arrive(socket)) return;
    if (this.secure === undefined) {
      this.#secured(socket, undefined);
    } else if (!this.#owner.refuses(socket, this.options)) {
      this.#owner.shakeHands(socket, this.secure);
    }
  }

  #secured(socket: Socket, certificate: ClientCertificate | undefined): void {
    if (this.#upgrades === undefined) this.#speak(socket, certificate);
    else if (!this.#owner.refuses(socket, this.options)) this.#upgrades.begin(socket, certificate);
  }

  #speak(socket: EdgeSocket, certificate: ClientCertificate | undefined): void {
    const connection = this.#owner.accept(socket, this.options, certificate, socket);
    if (connection === undefined) return;
    socket[connectionOf] = connection;
    socket.on('data', onData).on('close', onClose).on('error', onError);
    connection.incoming.readOn();
  }
}
