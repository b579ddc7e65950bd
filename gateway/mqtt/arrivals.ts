import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Admission } from '../core/limits/admission.ts';
import type { Peer } from '../core/limits/peer.ts';
import { peerOf, setPeer } from './arrived-peer.ts';
import { HandshakeGate } from './handshake-gate.ts';
import type { SecureListener } from './secure-listener.ts';

const admissionOf = Symbol('admission');
interface ArrivedSocket extends Socket {
  /** Told when it is closed. */
  [admissionOf]?: Admission;
}

function onLeft(this: ArrivedSocket): void {
  const peer = peerOf(this);
  if (peer !== undefined) this[admissionOf]?.leave(peer);
}

/** Which sockets may come from where they come from, and when they shake hands. Without limits, all of them at once. */
export class Arrivals {
  readonly #admission: Admission | undefined;
  readonly #monotonicMs: () => number;
  readonly #gate: HandshakeGate | undefined;

  constructor(admission: Admission | undefined, monotonicMs: () => number) {
    this.#admission = admission;
    this.#monotonicMs = monotonicMs;
    this.#gate = admission && new HandshakeGate(admission, monotonicMs);
  }

  /** Sockets whose TLS handshake has not begun. */
  get waiting(): number {
    return this.#gate?.waiting ?? 0;
  }

  /** Whether a socket may come from its address, which is the device's, also behind a load balancer; closes it otherwise. */
  arrive(socket: ArrivedSocket): boolean {
    const admission = this.#admission;
    if (admission === undefined) return true;
    const peer = admission.arrive(socket.remoteAddress ?? '', this.#monotonicMs());
    if (peer === undefined) {
      socket.destroy();
      return false;
    }
    setPeer(socket, peer);
    socket[admissionOf] = admission;
    socket.on('close', onLeft);
    return true;
  }

  /** Begins a TLS handshake over a socket that has arrived, now or when it is its turn. */
  shakeHands(socket: ArrivedSocket, secure: SecureListener): void {
    const peer = peerOf(socket);
    if (this.#gate === undefined || peer === undefined) secure.begin(socket);
    else this.#gate.enter(socket, peer, secure);
  }

  /** Where a socket came from that MQTT is spoken on from now on. One that has resumed a session has cost less. */
  spoken(socket: Socket): Peer | undefined {
    const peer = peerOf(socket);
    if (peer !== undefined && socket instanceof TLSSocket && socket.isSessionReused()) this.#admission?.resumed(peer);
    return peer;
  }

  /** Closes those that wait. */
  abandon(): void {
    this.#gate?.abandon();
  }
}
