import type { Buffer } from 'node:buffer';
import type { Connection } from './connection.ts';
import type { Unanswered } from './inbound-publish.ts';
import type { Transport } from './transport.ts';

/** Control packets waiting for the end of the turn; more are written at once. */
const outboxFlushBytes = 16_384;

/** Unanswered publishes beyond which `find` uses an index: below, looking at each costs less than keeping one. */
const mostSearched = 64;

/** What one connection owes its peer: control packets, and answers to publishes in their order. */
export class Outgoing {
  readonly #connection: Connection;
  readonly #socket: Transport;
  #last: Unanswered | undefined;
  /** The unanswered publishes by packet identifier, while there are many. */
  #index: Map<number, Unanswered> | undefined;
  #outbox: Buffer[] | undefined;
  #outboxBytes = 0;
  /** The oldest publish without an answer, settled or not. */
  first: Unanswered | undefined;
  /** Publishes without an answer. */
  count = 0;
  /** Bytes of their payloads. */
  payloadBytes = 0;
  /** Queued for the flush at the end of this turn. */
  queued = false;

  constructor(connection: Connection, socket: Transport) {
    this.#connection = connection;
    this.#socket = socket;
  }

  /** Whether the kernel has not taken everything that was written. */
  get isBackedUp(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** Owes an answer for one more publish. */
  push(place: Unanswered): void {
    if (this.#last === undefined) this.first = place;
    else this.#last.next = place;
    this.#last = place;
    this.count += 1;
    this.payloadBytes += place.payloadBytes;
    if (this.#index !== undefined) this.#index.set(place.packetId, place);
    else if (this.count > mostSearched) this.#index = this.#indexed();
  }

  shift(): void {
    const { first } = this;
    if (first === undefined) return;
    this.first = first.next;
    // Cut the link: an old dead place would otherwise keep every later one alive through minor collections.
    first.next = undefined;
    if (this.first === undefined) this.#last = undefined;
    this.count -= 1;
    this.payloadBytes -= first.payloadBytes;
    if (this.count === 0) this.#index = undefined;
    else this.#index?.delete(first.packetId);
  }

  #indexed(): Map<number, Unanswered> {
    const index = new Map<number, Unanswered>();
    for (let place = this.first; place !== undefined; place = place.next) index.set(place.packetId, place);
    return index;
  }

  /** The unanswered publish with this identifier. A connection has few of them, most often one or two. */
  find(packetId: number): Unanswered | undefined {
    if (this.#index !== undefined) return this.#index.get(packetId);
    let place = this.first;
    while (place !== undefined && place.packetId !== packetId) place = place.next;
    return place;
  }

  /** A publish was settled, or a packet waits: write at the end of this turn. */
  changed(): void {
    if (this.queued || !this.#connection.isOpen) return;
    this.queued = true;
    this.#connection.context.output.add(this.#connection);
  }

  /** Sends a control packet at the end of this turn. */
  send(bytes: Buffer): void {
    if (!this.#connection.isOpen) return;
    this.#outbox ??= [];
    this.#outbox.push(bytes);
    this.#outboxBytes += bytes.length;
    if (this.#outboxBytes >= outboxFlushBytes) this.#connection.context.output.flush(this.#connection);
    else this.changed();
  }

  takeOutbox(): Buffer[] | undefined {
    const outbox = this.#outbox;
    this.#outbox = undefined;
    this.#outboxBytes = 0;
    return outbox;
  }

  /** Writes now. A device that does not read what it is owed is cut off. */
  write(bytes: Buffer): void {
    if (!this.#connection.isOpen) return;
    const waiting = this.#socket.writableLength + bytes.length;
    if (waiting > this.#connection.context.limits.maxOutgoingBytes) this.#connection.cutOff('slow_reader');
    else this.#socket.write(bytes);
  }

  /** Forgets everything: the connection has ended. */
  clear(): void {
    this.first = undefined;
    this.#last = undefined;
    this.#index = undefined;
    this.count = 0;
    this.payloadBytes = 0;
    this.#outbox = undefined;
  }
}
