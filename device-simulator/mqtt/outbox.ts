import { markDuplicate } from './frames.ts';

/** A message that a device has taken the duty to deliver. */
export interface OutboundMessage {
  readonly sequence: number;
  /** When the schedule wanted it sent, milliseconds on the monotonic clock. */
  readonly intendedMs: number;
  readonly packetId: number;
  readonly frame: Buffer;
  /** Written on some connection. */
  sent: boolean;
  /** QoS 2: the server has taken it (PUBREC); what remains is to let it forget the packet id (PUBREL, PUBCOMP). */
  released: boolean;
  settled: boolean;
}

/**
 * What one device has yet to get acknowledged, in order. The front part is in flight on this connection, the rest waits.
 * After a connection is lost everything unsettled is written again, from the front, before anything new
 * (MQTT 5.0 section 4.4; order, section 4.6).
 */
export class Outbox {
  readonly #capacity: number;
  #messages: OutboundMessage[] = [];
  /** Index of the first message that this connection has not carried yet. */
  #written = 0;
  #inFlight = 0;
  #lastPacketId = 0;

  /** @param capacity messages that may wait or be in flight; at most 65,535, so that packet ids stay unambiguous. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#messages.length;
  }

  /** Written on this connection and not settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get isFull(): boolean {
    return this.#messages.length >= this.#capacity;
  }

  /** Whether this connection has carried everything. */
  get isWritten(): boolean {
    return this.#written === this.#messages.length;
  }

  get unsettled(): readonly OutboundMessage[] {
    return this.#messages.filter((message) => !message.settled);
  }

  /** The packet identifier for the next message: 1 to 65,535, round and round. */
  nextPacketId(): number {
    this.#lastPacketId = (this.#lastPacketId % 65_535) + 1;
    return this.#lastPacketId;
  }

  /** Appends a message. The caller has looked at `isFull`. */
  add(message: OutboundMessage): void {
    this.#messages.push(message);
  }

  /** The next message to write, if the window has room for it; from then on it is in flight. */
  takeNext(window: number): OutboundMessage | undefined {
    if (this.#inFlight >= window) return undefined;
    const message = this.#messages[this.#written];
    if (!message) return undefined;
    if (message.sent && !message.released) markDuplicate(message.frame);
    this.#written += 1;
    this.#inFlight += 1;
    return message;
  }

  /** The message in flight with this packet id. */
  find(packetId: number): OutboundMessage | undefined {
    for (let i = 0; i < this.#written; i += 1) {
      const message = this.#messages[i] as OutboundMessage;
      if (message.packetId === packetId && !message.settled) return message;
    }
    return undefined;
  }

  /** Ends the exchange of a packet id. Undefined: nothing in flight has it. */
  settle(packetId: number): OutboundMessage | undefined {
    const message = this.find(packetId);
    if (!message) return undefined;
    message.settled = true;
    this.#inFlight -= 1;
    this.#dropSettledFront();
    return message;
  }

  /** The connection is gone: nothing is in flight any more, and everything unsettled is to be written again. */
  rewind(): void {
    this.#messages = this.#messages.filter((message) => !message.settled);
    this.#written = 0;
    this.#inFlight = 0;
  }

  #dropSettledFront(): void {
    let settled = 0;
    while (this.#messages[settled]?.settled) settled += 1;
    if (settled === 0) return;
    if (settled === 1) this.#messages.shift();
    else this.#messages.splice(0, settled);
    this.#written -= settled;
  }
}
