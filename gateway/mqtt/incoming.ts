import type { Buffer } from 'node:buffer';
import type { Connection } from './connection.ts';
import { Framer } from './frame.ts';
import { handlePacket } from './handle-packet.ts';
import { packetTypes } from './packet-types.ts';
import type { Transport } from './transport.ts';
import { firstIsNotConnect, longerThanNecessary, type Violation, violationOf } from './violation.ts';

/** What libuv reads at once: a chunk of this size means that more is waiting, and that it would read on before others. */
const fullChunkBytes = 65_536;
/** What a connection that has ended may still send: a packet that was on its way. Who sends more waits for no answer. */
const mostDiscardedBytes = 1_048_576;
/** Longest header of a WebSocket frame (RFC 6455, section 5.2). */
const frameHeaderBytes = 14;

/**
 * What one connection reads: cuts it into packets and has them handled, one at a time. Stops between any two of them when
 * others come first, or when the connection must wait (rule 8 of the design).
 */
export class Incoming {
  readonly #connection: Connection;
  readonly #socket: Transport;
  readonly #framer = new Framer();
  /** Nothing more is read, for good. */
  #isStopped = false;
  /** Has had its share of this turn of the event loop. */
  #isYielding = false;
  /** Bytes that came after its end. */
  #discardedBytes = 0;
  /** A packet was handled since the connection was last let read. */
  wasServed = false;
  /** What this connection counts in `context.partialBytes`. */
  partialBytes = 0;
  /** Bytes of a WebSocket frame that is still arriving. */
  #frameBytes = 0;

  constructor(connection: Connection, socket: Transport) {
    this.#connection = connection;
    this.#socket = socket;
  }

  /** Bytes have arrived after the end, and nobody looks at them. */
  discarded(bytes: number): void {
    this.#discardedBytes += bytes;
    if (this.#discardedBytes > mostDiscardedBytes) this.#socket.destroy();
  }

  /**
   * Bytes have arrived. After its end a connection is read only so that the peer sees our last packet before a reset.
   *
   * @param readBytes how many were read from the socket for them.
   */
  received(chunk: Buffer, readBytes: number = chunk.length): void {
    const connection = this.#connection;
    if (connection.hasEnded) {
      this.discarded(chunk.length);
      return;
    }
    if (this.#isNotConnect(chunk)) {
      connection.violated(firstIsNotConnect);
      return;
    }
    this.#framer.accept(chunk);
    this.#readPackets();
    if (readBytes >= fullChunkBytes && this.#mayRead) this.#yield();
  }

  /**
   * The transport gathers a frame, so many bytes of it so far, before it hands anything on: they count as those of a
   * packet do. Returns whether they may be so many.
   */
  mayGather(bytes: number): boolean {
    if (bytes !== this.#frameBytes) {
      this.#frameBytes = bytes;
      this.#countPartial();
    }
    // The frame's own header beside the packet's.
    return bytes <= this.#maxPacketBytes + frameHeaderBytes;
  }

  /** The first byte tells who does not speak MQTT: no need to gather what it takes for a packet. */
  #isNotConnect(chunk: Buffer): boolean {
    if (!this.#connection.isConnecting || !this.#framer.isBetweenPackets) return false;
    return (chunk[0] ?? 0) >> 4 !== packetTypes.connect;
  }

  #readPackets(): void {
    const connection = this.#connection;
    try {
      for (let left = this.#packetsPerTurn; connection.isRead; left -= 1) {
        if (this.#mustWait) {
          this.#pause();
          break;
        }
        if (left <= 0 && this.#framer.hasUnread) {
          this.#yield();
          break;
        }
        const status = this.#framer.next(this.#maxPacketBytes);
        const violation = status === 'packet' ? this.#handlePacket() : violationOf(status);
        if (violation !== undefined) connection.violated(violation);
        if (status !== 'packet') {
          this.#framer.release();
          break;
        }
      }
    } catch (error) {
      connection.failed(error);
    }
    this.#countPartial();
  }

  get #packetsPerTurn(): number {
    const { pressure, limits } = this.#connection.context;
    return pressure === 0 ? limits.maxPacketsPerTurn : Math.ceil(limits.maxPacketsPerTurn / 4);
  }

  get #maxPacketBytes(): number {
    const { maxPacketBytes, maxConnectBytes } = this.#connection.context.limits;
    return this.#connection.isConnecting ? Math.min(maxPacketBytes, maxConnectBytes) : maxPacketBytes;
  }

  #handlePacket(): Violation | undefined {
    const connection = this.#connection;
    const { context } = connection;
    const { first, bytes, start, end, headerLength } = this.#framer;
    this.wasServed = true;
    connection.clock.stamp(context.coarseMs);
    if (connection.version === 5 && headerLength > 2 && bytes[start - 1] === 0) return longerThanNecessary;
    context.reader.open(bytes, start, end);
    return handlePacket(connection, first);
  }

  #countPartial(): void {
    const partBytes = this.#framer.partBytes + this.#frameBytes;
    const change = partBytes - this.partialBytes;
    if (change === 0) return;
    const { context } = this.#connection;
    this.partialBytes = partBytes;
    context.partialBytes += change;
    if (change > 0 && context.partialBytes > context.limits.maxPartialBytes) context.relieve();
  }

  /** Bytes that were read and are not handled yet. */
  get heldBytes(): number {
    return this.#framer.heldBytes + this.#frameBytes + this.#socket.readableLength;
  }

  /**
   * The limits of rule 8 of the design, the rates of the fleet and of its device, its share of what is unsettled, and its
   * in-flight limit: 3.1.1 has no receive maximum, and in 5.0 not every client minds one that is lower than last time. Who
   * has nothing unsettled is always read below the hard watermark.
   */
  get #mustWait(): boolean {
    const { context, outgoing, version, receiveMaximum, rate } = this.#connection;
    const { pressure, fleetHeld, readingStopped, limits } = context;
    if (pressure === 2 || fleetHeld || readingStopped || this.#isStopped) return true;
    if (rate?.isSpent === true && !rate.refill(context.monotonicMs())) return true;
    const { count, payloadBytes } = outgoing;
    if (count === 0) return false;
    if (pressure === 1 || payloadBytes >= limits.maxInFlightBytes) return true;
    return version === 4 ? count >= receiveMaximum : count > receiveMaximum;
  }

  get #mayRead(): boolean {
    return this.#connection.isRead && !this.#connection.clock.isPaused && !this.#isYielding;
  }

  /** Enough for this turn of the event loop: the others come first, then the rest. */
  #yield(): void {
    if (this.#isYielding) return;
    this.#isYielding = true;
    this.#socket.pause();
    this.#connection.context.output.addYielding(this.#connection);
  }

  /** Its turn has come again. */
  takeTurn(): void {
    this.#isYielding = false;
    if (this.#mayRead) this.readOn();
  }

  /** Stops reading if the server must not read it at present. */
  pauseIfNecessary(): void {
    if (this.#connection.isRead && this.#mustWait) this.#pause();
  }

  #pause(): void {
    const connection = this.#connection;
    const { clock, context, rate } = connection;
    if (rate?.isSpent === true) context.slowed.add(connection, rate, context.monotonicMs());
    if (clock.isPaused) return;
    clock.pause(context.coarseMs);
    context.paused.add(connection);
    context.observer.connectionPaused();
    this.#socket.pause();
  }

  resumeIfAllowed(): void {
    const connection = this.#connection;
    if (!connection.clock.isPaused) return;
    if (this.#mustWait) {
      const { rate, context } = connection;
      // Paused for another reason, it may have to wait for this one by now, and somebody must wake it.
      if (rate?.isSpent === true) context.slowed.add(connection, rate, context.monotonicMs());
      return;
    }
    this.#endPause();
    this.readOn();
  }

  #endPause(): void {
    const { clock, context } = this.#connection;
    clock.resume(context.coarseMs, 2 * context.sweepIntervalMs);
    this.wasServed = false;
    context.paused.delete(this.#connection);
    context.observer.connectionResumed();
  }

  /**
   * First what has been read already, then, if nothing speaks against it, the socket. What waits in the stream's buffer is
   * taken at once (`read` emits it): left to `resume`, it would come after whoever is resumed later and has bytes here.
   */
  readOn(): void {
    this.#readPackets();
    if (this.#mayRead && this.#socket.readableLength > 0) this.#socket.read();
    if (this.#mayRead) this.#socket.resume();
  }

  /** Nothing more is read until `readOn`: the connection does not take packets at present. */
  hold(): void {
    this.#socket.pause();
  }

  /** Nothing more is read, for good; what has been read is still answered. */
  stop(): void {
    this.#isStopped = true;
    this.pauseIfNecessary();
  }

  /** Forgets everything: the connection has ended. */
  clear(): void {
    if (this.#connection.clock.isPaused) this.#endPause();
    this.#connection.context.slowed.delete(this.#connection);
    this.#framer.clear();
    this.#frameBytes = 0;
    this.#countPartial();
  }
}
