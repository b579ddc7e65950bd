import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../core/client-certificate.ts';
import { peerOf, setPeer } from './arrived-peer.ts';
import { failureOf, failureOfVerdict } from './handshake-failure.ts';
import type { HandshakeFailure, ListenerTls, ListenerTlsMaterial } from './listener-tls.ts';
import { connectedAddress, speakFor } from './peer-address.ts';

interface Handshake {
  readonly socket: Socket;
  readonly startedAtMs: number;
  /** The authorities that judge it: OpenSSL keeps those that applied when it began. */
  readonly clientCa: string;
}

type Secured = (socket: TLSSocket, certificate: ClientCertificate | undefined) => void;

/** What becomes of the errors of a socket: 'close' follows, or Node reports them as those of the handshake. */
function ignore(): void {}

/** The two ends of a TCP connection: what a TLS socket has in common with the socket below it, for as long as both live. */
const endsOf = (socket: Socket): string => `${connectedAddress(socket)} ${socket.remotePort} ${socket.localAddress}`;

/** Behind a load balancer the socket below knows who the peer is, and that of TLS does not. */
function inheritAddress(socket: TLSSocket, handshake: Handshake | undefined): void {
  const address = handshake?.socket.remoteAddress;
  if (address !== undefined && address !== socket.remoteAddress) speakFor(socket, address);
}

/**
 * The TLS of one listener: takes sockets that were accepted, shakes hands within limits of number and time, judges the
 * certificate, and hands on who may speak MQTT. A peer that is refused hears the alert of the protocol at the most.
 */
export class SecureListener {
  readonly #listener: string;
  readonly #tls: ListenerTls;
  readonly #server: Server;
  readonly #secured: Secured;
  readonly #nowMs: () => number;
  readonly #underWay = new Map<string, Handshake>();
  #material: ListenerTlsMaterial;
  #ticketPeriod: number | undefined;

  /**
   * @param alpnProtocol as registered with IANA (RFC 7301).
   * @param nowMs milliseconds since the epoch, which certificates are dated in.
   */
  constructor(listener: string, tls: ListenerTls, alpnProtocol: string, nowMs: () => number, secured: Secured) {
    this.#listener = listener;
    this.#tls = tls;
    this.#secured = secured;
    this.#nowMs = nowMs;
    this.#material = tls.material;
    this.#server = createServer({
      ...tls.material.context,
      requestCert: tls.clientCertificates !== 'none',
      rejectUnauthorized: tls.clientCertificates === 'required',
      // Who offers no protocols is let in; who offers others only is refused with no_application_protocol.
      ALPNProtocols: [alpnProtocol],
      handshakeTimeout: tls.handshakeTimeoutMs,
    });
    this.#server.on('secureConnection', (socket) => this.#handshakeDone(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#handshakeFailed(error, socket));
    this.rotateTicketKeys();
  }

  /** Handshakes under way. */
  get handshakes(): number {
    return this.#underWay.size;
  }

  /** Whether one more may begin. */
  get hasRoom(): boolean {
    return this.#underWay.size < this.#tls.maxHandshakes;
  }

  /** Begins the handshake over a socket that was just accepted. */
  begin(socket: Socket): void {
    socket.on('error', ignore);
    if (!this.hasRoom) {
      this.#failed('too_many', '', socket.remoteAddress);
      socket.destroy();
      return;
    }
    const ends = endsOf(socket);
    const handshake: Handshake = { socket, startedAtMs: performance.now(), clientCa: this.#material.clientCa };
    this.#underWay.set(ends, handshake);
    socket.once('close', () => {
      if (this.#underWay.get(ends) === handshake) this.#underWay.delete(ends);
    });
    this.#server.emit('connection', socket);
  }

  /** Uses other files from now on. What is connected stays so. */
  use(material: ListenerTlsMaterial): void {
    const sameAuthorities = material.clientCa === this.#material.clientCa;
    const ownKeys = sameAuthorities ? this.#server.getTicketKeys() : undefined;
    this.#server.setSecureContext(material.context);
    // A resumed session shows the certificate that it began with, which is judged again by date and revocation list.
    if (ownKeys !== undefined) this.#server.setTicketKeys(ownKeys);
    this.#material = material;
    this.#ticketPeriod = undefined;
    this.rotateTicketKeys();
  }

  /** Takes the shared ticket keys of the present period; to be called often. Tickets of other periods count no more. */
  rotateTicketKeys(): void {
    const { ticketKeys } = this.#material;
    if (ticketKeys === undefined) return;
    const period = ticketKeys.periodAt(this.#nowMs());
    if (period === this.#ticketPeriod) return;
    this.#ticketPeriod = period;
    this.#server.setTicketKeys(ticketKeys.ofPeriod(period));
  }

  isRevoked(certificate: ClientCertificate): boolean {
    return this.#material.isRevoked(certificate);
  }

  /** Ends the handshakes that are under way. */
  abandon(): void {
    for (const { socket } of this.#underWay.values()) socket.destroy();
  }

  #handshakeDone(socket: TLSSocket): void {
    socket.on('error', ignore);
    const ends = endsOf(socket);
    const handshake = this.#underWay.get(ends);
    this.#underWay.delete(ends);
    // The peer has gone already, and with it whose address this was.
    if (handshake === undefined) {
      socket.destroy();
      return;
    }
    inheritAddress(socket, handshake);
    setPeer(socket, peerOf(handshake.socket));
    const verdict = this.#judge(socket, handshake);
    if ('failure' in verdict) {
      this.#failed(verdict.failure, verdict.code, socket.remoteAddress);
      socket.destroy();
      return;
    }
    const durationMs = performance.now() - handshake.startedAtMs;
    const { observer } = this.#tls;
    observer.handshakeDone(this.#listener, socket.getProtocol() ?? 'unknown', socket.isSessionReused(), durationMs);
    this.#secured(socket, verdict.certificate);
  }

  /**
   * What OpenSSL has not judged: a certificate that may be missing but must not be wrong; and one of a resumed session,
   * which it does not look at again.
   */
  #judge(
    socket: TLSSocket,
    handshake: Handshake,
  ):
    | { readonly certificate: ClientCertificate | undefined }
    | { readonly failure: HandshakeFailure; readonly code: string } {
    if (this.#tls.clientCertificates === 'none') return { certificate: undefined };
    const peer = socket.getPeerX509Certificate();
    if (peer === undefined) {
      // Not left to OpenSSL alone, which asks for none when a session is resumed.
      if (this.#tls.clientCertificates === 'required') return { failure: 'certificate_missing', code: 'none' };
      return { certificate: undefined };
    }
    if (handshake.clientCa !== this.#material.clientCa) {
      return { failure: 'certificate_invalid', code: 'authorities_changed' };
    }
    if (!socket.authorized) {
      const code = String(socket.authorizationError);
      return { failure: failureOfVerdict(code), code };
    }
    try {
      const certificate = this.#material.readPeer(peer);
      if (!(certificate.validToMs > this.#nowMs())) return { failure: 'certificate_expired', code: '' };
      if (this.#material.isRevoked(certificate)) return { failure: 'certificate_revoked', code: '' };
      return { certificate };
    } catch {
      return { failure: 'certificate_invalid', code: 'unreadable' };
    }
  }

  #handshakeFailed(error: Error, socket: TLSSocket): void {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    inheritAddress(socket, this.#underWay.get(endsOf(socket)));
    // Node ends the socket of a certificate that OpenSSL refused, and reports it as one that was reset.
    const verdict = socket.authorizationError as Error | string | null | undefined;
    if (verdict) this.#failed(failureOfVerdict(String(verdict)), String(verdict), socket.remoteAddress);
    else this.#failed(failureOf(code), code, socket.remoteAddress);
    socket.destroy();
  }

  #failed(failure: HandshakeFailure, code: string, remoteAddress: string | undefined): void {
    this.#tls.observer.handshakeFailed(this.#listener, failure, code, remoteAddress);
  }
}
