import { Buffer } from 'node:buffer';
import type { Outcome } from '../core/outcome.ts';
import type { Connection } from './connection.ts';
import type { MqttContext } from './context.ts';
import { bareAcknowledgementLength, encode, writeAcknowledgement } from './encode.ts';
import type { Unanswered } from './inbound-publish.ts';
import { reasonName, reasonOfRejection } from './reason-codes.ts';

/** Bytes gathered before a write. Small: a device that does not read keeps the buffer that its write began with. */
const scratchBytes = 4096;

/**
 * Writes what connections owe, once per turn of the event loop and with one write per connection: Kafka's answer for one
 * batch settles publishes of many devices, several of each.
 *
 * Answers are encoded only here, straight into one buffer for all connections. The kernel usually takes a write at once,
 * and then the buffer is free again; when it does not, the socket keeps the buffer and a new one is made.
 */
export class OutputTurn {
  readonly #context: MqttContext;
  #dirty: Connection[] = [];
  #flushed: Connection[] = [];
  #yielding: Connection[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #resumeAll = false;
  #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  #used = 0;
  readonly #run = (): void => this.#runTurn();

  constructor(context: MqttContext) {
    this.#context = context;
  }

  /** Has `connection` flushed, and read again if it may be, at the end of this turn. */
  add(connection: Connection): void {
    this.#dirty.push(connection);
    this.#scheduled ??= setImmediate(this.#run);
  }

  /** Has `connection`, which has had its share of this turn, read on in the next one. */
  addYielding(connection: Connection): void {
    this.#yielding.push(connection);
    this.#scheduled ??= setImmediate(this.#run);
  }

  /** Has every paused connection that may be read again resumed at the end of this turn. */
  addAllPaused(): void {
    this.#resumeAll = true;
    this.#scheduled ??= setImmediate(this.#run);
  }

  cancel(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#dirty.length = 0;
    this.#yielding.length = 0;
  }

  #runTurn(): void {
    this.#scheduled = undefined;
    const turn = this.#dirty;
    this.#dirty = this.#flushed;
    this.#flushed = turn;
    for (const connection of turn) {
      connection.outgoing.queued = false;
      this.flush(connection);
    }
    // Resuming reads packets, which may make connections dirty again: those belong to the next turn. When all may be read
    // again, who was just answered does not go before those who have waited longer.
    const resuming = this.#resumeAll ? [...this.#context.paused] : turn;
    this.#resumeAll = false;
    for (const connection of turn) connection.dismissIfDone();
    for (const connection of resuming) connection.incoming.resumeIfAllowed();
    turn.length = 0;
    if (this.#yielding.length > 0) for (const connection of this.#yielding.splice(0)) connection.incoming.takeTurn();
  }

  /**
   * Writes the connection's waiting packets, then its answers as far as they are settled without a gap. An error of ours
   * ends this connection, and does not reach whoever is going through all of them.
   */
  flush(connection: Connection): void {
    if (!connection.isOpen) return;
    try {
      this.#writeOwed(connection);
    } catch (error) {
      this.#used = 0;
      connection.failed(error);
    }
  }

  #writeOwed(connection: Connection): void {
    const { outgoing } = connection;
    const outbox = outgoing.takeOutbox();
    if (outbox !== undefined) for (const bytes of outbox) this.#put(connection, bytes);
    for (;;) {
      const place = outgoing.first;
      const outcome = place?.outcome;
      // Behind an unanswered publish nothing is answered: the device sends all of them again, in order.
      if (place === undefined || outcome === undefined || outcome.kind === 'unanswered') break;
      outgoing.shift();
      this.#putAnswer(connection, place, outcome);
    }
    this.#write(connection);
  }

  #putAnswer(connection: Connection, place: Unanswered, outcome: Outcome): void {
    const qos = place.qos === 2 ? 2 : 1;
    const command = qos === 2 ? 'pubrec' : 'puback';
    if (qos === 1) connection.inFlight -= 1;
    if (place.exchange !== undefined) place.exchange.place = undefined;
    if (outcome.kind !== 'rejected' || connection.version !== 5) {
      if (this.#used + bareAcknowledgementLength > scratchBytes) this.#write(connection);
      this.#used = writeAcknowledgement(this.#scratch, this.#used, command, place.packetId);
      this.#context.observer.publishAnswered(qos, 'success');
      return;
    }
    const code = reasonOfRejection[outcome.rejection.reason];
    // A PUBREC of 0x80 or more ends the exchange: the packet identifier is free [MQTT-4.3.3-9].
    if (qos === 2) connection.endExchange(place.packetId);
    const reason = connection.problemInformation ? outcome.rejection.detail : '';
    const packet = { cmd: command, messageId: place.packetId, reasonCode: code } as const;
    const bytes = encode(packet, 5, connection.maximumPacketSize, reason);
    this.#context.observer.publishAnswered(qos, reasonName(code));
    if (bytes !== undefined) this.#put(connection, bytes);
  }

  #put(connection: Connection, bytes: Buffer): void {
    if (this.#used + bytes.length > scratchBytes) this.#write(connection);
    if (bytes.length > scratchBytes) {
      connection.outgoing.write(bytes);
      return;
    }
    bytes.copy(this.#scratch, this.#used);
    this.#used += bytes.length;
  }

  #write(connection: Connection): void {
    const used = this.#used;
    if (used === 0) return;
    this.#used = 0;
    if (connection.outgoing.isBackedUp || connection.listenerOptions.tls !== undefined) {
      // The socket would keep the buffer for long, one of TLS until the kernel says so: give it a copy of the right size.
      connection.outgoing.write(Buffer.from(this.#scratch.subarray(0, used)));
      return;
    }
    connection.outgoing.write(this.#scratch.subarray(0, used));
    if (connection.outgoing.isBackedUp) this.#scratch = Buffer.allocUnsafeSlow(scratchBytes);
  }
}
