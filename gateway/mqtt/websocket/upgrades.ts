import type { Buffer } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ClientCertificate } from '../../core/client-certificate.ts';
import type { TransportObserver, UpgradeRefusal } from '../transport-observer.ts';
import { WebSocketTransport } from './websocket-transport.ts';

/** MQTT over WebSocket on a listener. */
export interface WebSocketOptions {
  readonly path: string;
  /** Web pages that may connect, as browsers name them: `https://console.example`; `*`: all. Devices name none. */
  readonly allowedOrigins: readonly string[];
  /** Time from accept, or the end of the TLS handshake, to the complete request. */
  readonly upgradeTimeoutMs: number;
  /** Requests under way at once; further sockets are closed. */
  readonly maxUpgrades: number;
  readonly observer: TransportObserver;
}

/** @param socket what it runs over. */
type Upgraded = (transport: WebSocketTransport, certificate: ClientCertificate | undefined, socket: Socket) => void;

interface UnderWay {
  readonly certificate: ClientCertificate | undefined;
  readonly timer: NodeJS.Timeout;
  readonly remoteAddress: string | undefined;
  readonly onClose: () => void;
  isRefused: boolean;
}

const subprotocol = 'mqtt';
/** The library also takes version 8, a draft, in which browsers name their page in another header than `Origin`. */
const version = '13';
/** A request for an upgrade has a dozen short headers. */
const maxHeaderBytes = 8_192;
const statusOf: Readonly<Partial<Record<UpgradeRefusal, number>>> = { path: 404, origin: 403 };

/** What a frame may hold beyond one packet, and how many parts it may come in: many small parts cost more than they carry. */
const frameLimits = (maxPacketBytes: number) => ({
  maxPayload: maxPacketBytes,
  maxFragments: 1_024,
  maxBufferedChunks: 1_024 + Math.ceil(maxPacketBytes / 256),
  maxPendingAutoPongs: 10,
  closeTimeout: 2_000,
});

/** 'close' follows. */
function ignore(): void {}

/**
 * Makes WebSockets of sockets (RFC 6455, section 4.2) within limits of time, number and size. A request that becomes none
 * is answered with a bare status.
 */
export class Upgrades {
  readonly #listener: string;
  readonly #options: WebSocketOptions;
  readonly #upgraded: Upgraded;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  readonly #underWay = new Map<Duplex, UnderWay>();

  constructor(listener: string, options: WebSocketOptions, maxPacketBytes: number, upgraded: Upgraded) {
    this.#listener = listener;
    this.#options = options;
    this.#upgraded = upgraded;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // Text is refused whatever it says.
      skipUTF8Validation: true,
      // The server's choice must be this one [MQTT-6.0.0-4].
      handleProtocols: () => subprotocol,
      ...frameLimits(maxPacketBytes),
    });
    this.#webSockets.on('wsClientError', (_error, socket) => this.#answer(socket, 'bad_request'));
    this.#http = createServer({ maxHeaderSize: maxHeaderBytes, requireHostHeader: false });
    // Node leaves out what is beyond a number, and that might be the origin: the bytes are bound enough.
    this.#http.maxHeadersCount = 0;
    this.#http
      .on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
      .on('request', (request, response) => this.#answerRequest(request, response))
      .on('clientError', (_error, socket) => this.#answer(socket, 'bad_request'));
  }

  /** Requests under way. */
  get pending(): number {
    return this.#underWay.size;
  }

  /** Takes a socket whose peer is about to send its request. */
  begin(socket: Socket, certificate: ClientCertificate | undefined): void {
    socket.on('error', ignore);
    const { remoteAddress } = socket;
    if (this.#underWay.size >= this.#options.maxUpgrades) {
      this.#options.observer.upgradeRefused(this.#listener, 'too_many', remoteAddress);
      socket.destroy();
      return;
    }
    // Of one whole request: who sends a byte now and then has no more time than the others.
    const timer = setTimeout(() => this.#end(socket, 'timeout'), this.#options.upgradeTimeoutMs);
    const onClose = () => {
      this.#refused(socket, 'aborted');
      this.#leave(socket);
    };
    this.#underWay.set(socket, { certificate, timer, remoteAddress, onClose, isRefused: false });
    socket.on('close', onClose);
    this.#http.emit('connection', socket);
    // It may come paused, with bytes that were read already.
    socket.resume();
  }

  /** Ends the requests that are under way. */
  abandon(): void {
    for (const socket of this.#underWay.keys()) socket.destroy();
  }

  #leave(socket: Duplex): UnderWay | undefined {
    const underWay = this.#underWay.get(socket);
    if (underWay === undefined) return undefined;
    clearTimeout(underWay.timer);
    socket.off('close', underWay.onClose);
    this.#underWay.delete(socket);
    return underWay;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#judge(request);
    if (refusal !== undefined) {
      this.#answer(socket, refusal);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const underWay = this.#leave(socket);
      if (underWay === undefined) {
        socket.destroy();
        return;
      }
      this.#options.observer.upgraded(this.#listener);
      this.#upgraded(new WebSocketTransport(webSocket, socket as Socket), underWay.certificate, socket as Socket);
    });
  }

  /** What the library does not look at (RFC 6455, section 4.2.1). */
  #judge({ url = '', headers }: IncomingMessage): UpgradeRefusal | undefined {
    const { path, allowedOrigins } = this.#options;
    if (headers.host === undefined) return 'bad_request';
    if (pathOf(url) !== path) return 'path';
    if (headers['sec-websocket-version'] !== version) return 'bad_request';
    const { origin } = headers;
    const isAllowed = origin === undefined || allowedOrigins.includes(origin) || allowedOrigins.includes('*');
    if (!isAllowed) return 'origin';
    const offered = headers['sec-websocket-protocol'] ?? '';
    return offered.split(',').some((each) => each.trim() === subprotocol) ? undefined : 'subprotocol';
  }

  /** 426: here only WebSockets are spoken (RFC 9110, section 15.5.22). */
  #answerRequest({ url = '', socket }: IncomingMessage, response: ServerResponse): void {
    const isPath = pathOf(url) === this.#options.path;
    this.#refused(socket, isPath ? 'no_upgrade' : 'path');
    response.writeHead(isPath ? 426 : 404, {
      ...(isPath ? { Upgrade: 'websocket' } : {}),
      Connection: 'close',
      'Content-Length': 0,
    });
    response.end();
  }

  #answer(socket: Duplex, reason: UpgradeRefusal): void {
    this.#refused(socket, reason);
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const status = statusOf[reason] ?? 400;
    socket.once('finish', () => socket.destroy());
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  #end(socket: Duplex, reason: UpgradeRefusal): void {
    this.#refused(socket, reason);
    socket.destroy();
  }

  /** Counts a socket once, however many things are wrong with it. */
  #refused(socket: Duplex, reason: UpgradeRefusal): void {
    const underWay = this.#underWay.get(socket);
    if (underWay === undefined || underWay.isRefused) return;
    underWay.isRefused = true;
    this.#options.observer.upgradeRefused(this.#listener, reason, underWay.remoteAddress);
  }
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
