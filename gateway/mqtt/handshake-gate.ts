import type { Socket } from 'node:net';
import type { Admission } from '../core/limits/admission.ts';
import { FairQueue } from '../core/limits/fair-queue.ts';
import type { Peer } from '../core/limits/peer.ts';

/** A listener that shakes hands: `SecureListener`. */
export interface HandshakeListener {
  /** Whether one more may begin. */
  readonly hasRoom: boolean;
  begin(socket: Socket): void;
}

interface Waiting {
  readonly socket: Socket;
  readonly address: string;
  readonly sinceMs: number;
  /** Looks at how much it has sent; ends with its wait. */
  readonly onReadable: () => void;
}

/** What becomes of the errors of a socket: 'close' follows. */
function ignore(): void {}

/** Shortest and longest time between two looks at who waits; where it is for a place only, not that often. */
const leastWaitMs = 1;
const mostWaitMs = 1_000;
const placeWaitMs = 10;
/** What share of the places, a quarter, only addresses have that a device has logged in from. */
const reservedShare = 4;
/**
 * A client has nothing to say before it is answered but its ClientHello (RFC 8446, section 4.1.2): some 2 KiB, or a few
 * more with a ticket that holds a certificate. The memory plan counts with this.
 */
const mostUnreadBytes = 8_192;
/**
 * Who has waited for longer has given up, most likely, and that does not show: what it said first is not read, and behind
 * that is the end of its stream.
 */
const longestWaitMs = 30_000;

/** Who waits at one listener. Known addresses have places, and every second turn, that strangers can't take from them. */
class ListenerQueue {
  readonly listener: HandshakeListener;
  /** Only for known addresses; for everybody. */
  readonly #reserved: FairQueue<Waiting>;
  readonly #common: FairQueue<Waiting>;
  #isReservedTurn = false;
  /** Taken out of the queues, and without a token so far. */
  #next: Waiting | undefined;

  constructor(listener: HandshakeListener, maxWaiting: number) {
    const reserved = Math.floor(maxWaiting / reservedShare);
    this.listener = listener;
    this.#reserved = new FairQueue(reserved);
    this.#common = new FairQueue(maxWaiting - reserved);
  }

  get size(): number {
    return this.#reserved.size + this.#common.size + (this.#next === undefined ? 0 : 1);
  }

  /** Known addresses wait among all others where their own places are taken. Returns what there is no place for. */
  push(waiting: Waiting, isKnown: boolean): Waiting | undefined {
    const left = isKnown ? this.#reserved.push(waiting.address, waiting) : waiting;
    return left && this.#common.push(left.address, left);
  }

  /** Whose turn it is; it stays so until it is taken. */
  peek(): Waiting | undefined {
    this.#next ??= this.#shift();
    return this.#next;
  }

  take(): Waiting | undefined {
    const next = this.peek();
    this.#next = undefined;
    return next;
  }

  #shift(): Waiting | undefined {
    this.#isReservedTurn = !this.#isReservedTurn;
    const [first, second] = this.#isReservedTurn ? [this.#reserved, this.#common] : [this.#common, this.#reserved];
    return first.shift() ?? second.shift();
  }
}

/**
 * Lets TLS handshakes begin at a pace that leaves the event loop time for those who are connected. A handshake costs more
 * than thousands of publishes; a fleet that comes back at once waits here, each address in its turn, and nothing is
 * computed for who waits. The pace is that of all listeners together, which take turns; one that has no room for another
 * handshake holds up no other.
 */
export class HandshakeGate {
  readonly #admission: Admission;
  readonly #monotonicMs: () => number;
  /** By whose turn it is. */
  readonly #queues: ListenerQueue[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #pump = (): void => this.#beginNext();

  constructor(admission: Admission, monotonicMs: () => number) {
    this.#admission = admission;
    this.#monotonicMs = monotonicMs;
  }

  /** Sockets whose handshake has not begun. */
  get waiting(): number {
    return this.#queues.reduce((sum, { size }) => sum + size, 0);
  }

  /** Begins the handshake over a socket that was just accepted, now or when it is its turn; or closes it. */
  enter(socket: Socket, peer: Peer, listener: HandshakeListener): void {
    const nowMs = this.#monotonicMs();
    if (!this.#admission.mayShakeHands(peer, nowMs)) {
      socket.destroy();
      return;
    }
    if (this.waiting === 0 && listener.hasRoom && this.#admission.takeHandshake(nowMs)) {
      listener.begin(socket);
      return;
    }
    const displaced = this.#queueOf(listener).push(this.#watched(socket, peer.key, nowMs), peer.isKnown(nowMs));
    if (displaced !== undefined) this.#refuse(displaced, 'handshake_queue');
    this.#schedule(nowMs, leastWaitMs);
  }

  /** Closes those that wait. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const queue of this.#queues) {
      for (let next = queue.take(); next !== undefined; next = queue.take()) next.socket.destroy();
    }
  }

  #queueOf(listener: HandshakeListener): ListenerQueue {
    const known = this.#queues.find((queue) => queue.listener === listener);
    if (known !== undefined) return known;
    const queue = new ListenerQueue(listener, this.#admission.handshakeQueueMax);
    this.#queues.push(queue);
    return queue;
  }

  /** Who waits is read by nobody, and what it sends stays in its stream: the kernel hands over up to 64 KiB at once. */
  #watched(socket: Socket, address: string, sinceMs: number): Waiting {
    const onReadable = (): void => {
      if (socket.readableLength > mostUnreadBytes) this.#refuse(waiting, 'handshake_bytes');
    };
    const waiting: Waiting = { socket, address, sinceMs, onReadable };
    // Nobody else listens yet, and a reset of a socket that waits must not end the process.
    socket.on('error', ignore).on('readable', onReadable);
    return waiting;
  }

  #refuse({ socket, address }: Waiting, reason: 'handshake_queue' | 'handshake_bytes' | 'handshake_wait'): void {
    this.#admission.observer.refused(reason, address);
    socket.destroy();
  }

  #schedule(nowMs: number, leastMs: number): void {
    if (this.#timer !== undefined) return;
    const waitMs = Math.min(mostWaitMs, Math.max(leastMs, this.#admission.handshakeWaitMs(nowMs)));
    this.#timer = setTimeout(this.#pump, waitMs);
  }

  #beginNext(): void {
    this.#timer = undefined;
    const nowMs = this.#monotonicMs();
    let queue = this.#nextQueue(nowMs);
    for (; queue !== undefined && this.#admission.takeHandshake(nowMs); queue = this.#nextQueue(nowMs)) {
      this.#begin(queue);
    }
    if (this.waiting > 0) this.#schedule(nowMs, queue === undefined ? placeWaitMs : leastWaitMs);
  }

  #begin(queue: ListenerQueue): void {
    // The others have their turns before it has another one.
    this.#queues.splice(this.#queues.indexOf(queue), 1);
    this.#queues.push(queue);
    const next = queue.take();
    if (next === undefined) return;
    next.socket.off('readable', next.onReadable);
    queue.listener.begin(next.socket);
  }

  /** Where the next handshake begins. Those who shake hands without end must not use up what others wait for. */
  #nextQueue(nowMs: number): ListenerQueue | undefined {
    return this.#queues.find((queue) => {
      this.#skipGone(queue, nowMs);
      return queue.listener.hasRoom && queue.peek() !== undefined;
    });
  }

  /** Those that have gone, or must have, cost no token. */
  #skipGone(queue: ListenerQueue, nowMs: number): void {
    for (let next = queue.peek(); next !== undefined; next = queue.peek()) {
      if (!next.socket.destroyed) {
        if (nowMs - next.sinceMs < longestWaitMs) return;
        this.#refuse(next, 'handshake_wait');
      }
      queue.take();
    }
  }
}
