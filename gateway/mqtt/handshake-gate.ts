import type { Socket } from 'node:net';
import type { Admission } from '../core/limits/admission.ts';
import { FairQueue } from '../core/limits/fair-queue.ts';
import type { Peer } from '../core/limits/peer.ts';
import type { SecureListener } from './secure-listener.ts';

interface Waiting {
  readonly socket: Socket;
  readonly listener: SecureListener;
  readonly address: string;
  /** Looks at how much it has sent; ends with its wait. */
  readonly onReadable: () => void;
}

/** What becomes of the errors of a socket: 'close' follows. */
function ignore(): void {}

/** Shortest and longest time between two looks at the queue. */
const leastWaitMs = 1;
const mostWaitMs = 1_000;
/** What share of the places, a quarter, only addresses have that a device has logged in from. */
const reservedShare = 4;
/**
 * A client has nothing to say before it is answered but its ClientHello (RFC 8446, section 4.1.2): some 2 KiB, or a few
 * more with a ticket that holds a certificate. The memory plan counts with this.
 */
const mostUnreadBytes = 8_192;

/**
 * Lets TLS handshakes begin at a pace that leaves the event loop time for those who are connected. A handshake costs more
 * than thousands of publishes; a fleet that comes back at once waits here, each address in its turn, and nothing is
 * computed for who waits. Addresses of devices have places, and every second turn, that strangers can't take from them.
 */
export class HandshakeGate {
  readonly #admission: Admission;
  /** Only for known addresses; for everybody. */
  readonly #reserved: FairQueue<Waiting>;
  readonly #common: FairQueue<Waiting>;
  readonly #monotonicMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #isReservedTurn = false;
  /** Taken out of the queue, and without a token so far. */
  #next: Waiting | undefined;
  readonly #pump = (): void => this.#beginNext();

  constructor(admission: Admission, monotonicMs: () => number) {
    const { handshakeQueueMax } = admission;
    const reserved = Math.floor(handshakeQueueMax / reservedShare);
    this.#admission = admission;
    this.#reserved = new FairQueue(reserved);
    this.#common = new FairQueue(handshakeQueueMax - reserved);
    this.#monotonicMs = monotonicMs;
  }

  /** Sockets whose handshake has not begun. */
  get waiting(): number {
    return this.#reserved.size + this.#common.size + (this.#next === undefined ? 0 : 1);
  }

  /** Begins the handshake over a socket that was just accepted, now or when it is its turn; or closes it. */
  enter(socket: Socket, peer: Peer, listener: SecureListener): void {
    const nowMs = this.#monotonicMs();
    if (!this.#admission.mayShakeHands(peer, nowMs)) {
      socket.destroy();
      return;
    }
    if (this.waiting === 0 && listener.hasRoom && this.#admission.takeHandshake(nowMs)) {
      listener.begin(socket);
      return;
    }
    const displaced = this.#queue(this.#watched(socket, peer.key, listener), peer.isKnown(nowMs));
    if (displaced !== undefined) {
      this.#admission.observer.refused('handshake_queue', displaced.address);
      displaced.socket.destroy();
    }
    this.#schedule(nowMs);
  }

  /** Closes those that wait. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (let next = this.#next ?? this.#shift(); next !== undefined; next = this.#shift()) next.socket.destroy();
    this.#next = undefined;
  }

  /** Who waits is read by nobody, and what it sends stays in its stream: the kernel hands over up to 64 KiB at once. */
  #watched(socket: Socket, address: string, listener: SecureListener): Waiting {
    const onReadable = (): void => {
      if (socket.readableLength <= mostUnreadBytes) return;
      this.#admission.observer.refused('handshake_bytes', address);
      socket.destroy();
    };
    // Nobody else listens yet, and a reset of a socket that waits must not end the process.
    socket.on('error', ignore).on('readable', onReadable);
    return { socket, listener, address, onReadable };
  }

  /** Known addresses wait among all others where their own places are taken. Returns what there is no place for. */
  #queue(waiting: Waiting, isKnown: boolean): Waiting | undefined {
    const left = isKnown ? this.#reserved.push(waiting.address, waiting) : waiting;
    return left && this.#common.push(left.address, left);
  }

  #shift(): Waiting | undefined {
    this.#isReservedTurn = !this.#isReservedTurn;
    const [first, second] = this.#isReservedTurn ? [this.#reserved, this.#common] : [this.#common, this.#reserved];
    return first.shift() ?? second.shift();
  }

  #schedule(nowMs: number): void {
    if (this.#timer !== undefined) return;
    const waitMs = Math.min(mostWaitMs, Math.max(leastWaitMs, this.#admission.handshakeWaitMs(nowMs)));
    this.#timer = setTimeout(this.#pump, waitMs);
  }

  #beginNext(): void {
    this.#timer = undefined;
    const nowMs = this.#monotonicMs();
    for (let next = this.#nextAlive(); next !== undefined; next = this.#nextAlive()) {
      // Those who shake hands without end must not use up what the others wait for.
      if (!next.listener.hasRoom || !this.#admission.takeHandshake(nowMs)) break;
      this.#next = undefined;
      next.socket.off('readable', next.onReadable);
      next.listener.begin(next.socket);
    }
    if (this.waiting > 0) this.#schedule(nowMs);
  }

  /** Whose turn it is; those that have gone cost no token. */
  #nextAlive(): Waiting | undefined {
    while (this.#next === undefined || this.#next.socket.destroyed) {
      this.#next = this.#shift();
      if (this.#next === undefined) return undefined;
    }
    return this.#next;
  }
}
