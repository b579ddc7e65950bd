import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Identity } from '../core/identity.ts';
import type { ListenerOptions, MqttContext } from './context.ts';
import type { TopicMemory } from './decode/publish.ts';
import { encode } from './encode.ts';
import { Framer } from './frame.ts';
import { handlePacket } from './handle-packet.ts';
import type { Unanswered } from './inbound-publish.ts';
import type { CloseReason, ConnectionFacts } from './observer.ts';
import { type ProtocolVersion, packetTypes } from './packet-types.ts';
import { type ReasonCode, reasonCodes, reasonName, returnCodeOf } from './reason-codes.ts';
import type { Session } from './session.ts';
import type { Violation } from './violation.ts';

/** Waiting for CONNECT; for authentication; in use; last bytes written, waiting for the peer to close; gone. */
type State = 'connecting' | 'authenticating' | 'open' | 'closing' | 'closed';

/** Longest wait for the peer to close its side after our last packet; until then what it sends is discarded. */
const lingerMs = 2_000;
/** Control packets waiting for the end of the turn; more are written at once. */
const outboxFlushBytes = 16_384;

/**
 * One network connection: reads packets, one at a time, and stops between any two of them when it has to wait; owes
 * answers in order; closes with a reason.
 *
 * Thousands of idle ones must be cheap: no closures, timers or emitters of its own, and what is seldom used is made late.
 */
export class Connection implements ConnectionFacts {
  readonly #context: MqttContext;
  readonly #socket: Socket;
  readonly #listener: ListenerOptions;
  readonly #framer = new Framer();
  #state: State = 'connecting';
  /** Coarse time of the last complete packet, moved on by pauses; of accept before CONNECT; of the end while closing. */
  #lastPacketMs: number;
  #keepAliveMs = 0;
  #pausedAtMs = -1;
  #outbox: Buffer[] | undefined;
  #outboxBytes = 0;
  #lastUnanswered: Unanswered | undefined;

  version: ProtocolVersion | undefined;
  session: Session | undefined;
  /** Set with the session. */
  identity: Identity | undefined;
  /** Limit of the client for what it is sent (5.0). */
  maximumPacketSize = Number.POSITIVE_INFINITY;
  /** Whether the client wants reason strings with its answers (5.0, section 3.1.2.11.7). */
  problemInformation = true;
  /** The oldest publish without an answer, settled or not. */
  firstUnanswered: Unanswered | undefined;
  unansweredCount = 0;
  /** Of the receive maximum (5.0, section 4.9): QoS 1 until PUBACK, QoS 2 until PUBCOMP. */
  inFlight = 0;
  topics: TopicMemory | undefined;
  topicAliases: (string | undefined)[] | undefined;
  /** Queued for the flush at the end of this turn. */
  dirty = false;

  constructor(context: MqttContext, socket: Socket, listener: ListenerOptions) {
    this.#context = context;
    this.#socket = socket;
    this.#listener = listener;
    this.#lastPacketMs = context.coarseMs;
  }

  get context(): MqttContext {
    return this.#context;
  }
  get listener(): string {
    return this.#listener.name;
  }
  get listenerOptions(): ListenerOptions {
    return this.#listener;
  }
  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }
  get clientId(): string {
    return this.session?.clientId ?? '';
  }
  get deviceId(): string {
    return this.identity?.deviceId ?? '';
  }
  get isOpen(): boolean {
    return this.#state === 'open';
  }
  get isAuthenticating(): boolean {
    return this.#state === 'authenticating';
  }
  get isWritable(): boolean {
    return this.#state === 'open';
  }
  /** Whether the kernel has not taken everything that was written. */
  get isBackedUp(): boolean {
    return this.#socket.writableLength > 0;
  }

  // Reading

  received(chunk: Buffer): void {
    // After its end a connection is read only to let the peer see our last packet before the reset.
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#framer.accept(chunk);
    this.#readPackets();
  }

  #readPackets(): void {
    try {
      while (this.#state === 'connecting' || this.#state === 'open') {
        if (this.#mustWait) {
          this.#pause();
          return;
        }
        const status = this.#framer.next(this.#context.limits.maxPacketBytes);
        if (status !== 'packet') {
          this.#framer.release();
          if (status === 'too_large') this.#violated({ code: reasonCodes.packetTooLarge, detail: 'packet too large' });
          if (status === 'malformed_length') this.#malformedLength();
          return;
        }
        this.#lastPacketMs = this.#context.coarseMs;
        const violation = this.#handlePacket();
        if (violation !== undefined) this.#violated(violation);
      }
    } catch (error) {
      this.failed(error);
    }
  }

  #handlePacket(): Violation | undefined {
    const { first, bytes, start, end, headerLength } = this.#framer;
    if (this.version === 5 && headerLength > 2 && bytes[start - 1] === 0) {
      return {
        code: reasonCodes.malformedPacket,
        detail: 'remaining length is not in its shortest form [MQTT-1.5.5-1]',
      };
    }
    this.#context.reader.open(bytes, start, end);
    return handlePacket(this, first);
  }

  #malformedLength(): void {
    this.#violated({ code: reasonCodes.malformedPacket, detail: 'remaining length is longer than four bytes' });
  }

  /** The delivery rules' limits on reading (rule 8), and the in-flight limit of 3.1.1. */
  get #mustWait(): boolean {
    const { pressure, readingStopped, limits } = this.#context;
    if (pressure === 2 || readingStopped) return true;
    if (this.unansweredCount === 0) return false;
    return pressure === 1 || (this.version === 4 && this.unansweredCount >= limits.maxInFlightPerConnection);
  }

  /** Stops reading if it has to; for changes that come from outside of the connection. */
  pauseIfNecessary(): void {
    if ((this.#state === 'connecting' || this.#state === 'open') && this.#mustWait) this.#pause();
  }

  #pause(): void {
    if (this.#pausedAtMs >= 0) return;
    this.#pausedAtMs = this.#context.coarseMs;
    this.#context.paused.add(this);
    this.#context.observer.connectionPaused();
    this.#socket.pause();
  }

  resumeIfAllowed(): void {
    if (this.#pausedAtMs < 0 || this.#mustWait) return;
    this.#endPause();
    this.#readPackets();
    if (this.#pausedAtMs < 0 && (this.#state === 'connecting' || this.#state === 'open')) this.#socket.resume();
  }

  /** While paused the keep-alive stands still; what has arrived meanwhile gets the time to be read. */
  #endPause(): void {
    const { coarseMs, sweepIntervalMs } = this.#context;
    const shifted = this.#lastPacketMs + (coarseMs - this.#pausedAtMs);
    this.#lastPacketMs = Math.max(shifted, coarseMs - this.#keepAliveMs + 2 * sweepIntervalMs);
    this.#pausedAtMs = -1;
    this.#context.paused.delete(this);
    this.#context.observer.connectionResumed();
  }

  // CONNECT

  /** CONNECT has arrived: nothing more is read until `opened` or `refuse`. */
  authenticating(version: ProtocolVersion): void {
    this.version = version;
    this.#state = 'authenticating';
    this.#socket.pause();
  }

  /** CONNECT is accepted: CONNACK goes out first, then what the client has sent meanwhile is read. */
  opened(
    session: Session,
    identity: Identity,
    keepAliveSeconds: number,
    connack: Buffer,
    sessionPresent: boolean,
  ): void {
    this.session = session;
    this.identity = identity;
    this.#keepAliveMs = keepAliveSeconds * 1500;
    this.#lastPacketMs = this.#context.coarseMs;
    this.#state = 'open';
    this.#context.openConnections += 1;
    this.#context.observer.connectionOpened(this, sessionPresent);
    this.write(connack);
    this.#readPackets();
    if (this.#pausedAtMs < 0 && this.isOpen) this.#socket.resume();
  }

  /** Answers CONNECT with a refusal, as far as the client's version has words for it, and closes. */
  refuse(version: ProtocolVersion, code: ReasonCode, detail: string): void {
    if (this.#state !== 'connecting' && this.#state !== 'authenticating') return;
    this.version = version;
    this.#context.observer.connectRefused(this, reasonName(code), detail);
    this.#end(this.#refusal(version, code, detail), 'refused', false);
  }

  #refusal(version: ProtocolVersion, code: ReasonCode, detail: string): Buffer | undefined {
    if (version === 5) {
      return encode({ cmd: 'connack', sessionPresent: false, reasonCode: code }, 5, this.maximumPacketSize, detail);
    }
    const returnCode = returnCodeOf(code);
    return returnCode === undefined ? undefined : Buffer.from([0x20, 2, 0, returnCode]);
  }

  // Answers

  /** Owes an answer for one more publish. */
  pushUnanswered(place: Unanswered): void {
    if (this.#lastUnanswered === undefined) this.firstUnanswered = place;
    else this.#lastUnanswered.next = place;
    this.#lastUnanswered = place;
    this.unansweredCount += 1;
  }

  shiftUnanswered(): void {
    const first = this.firstUnanswered;
    if (first === undefined) return;
    this.firstUnanswered = first.next;
    // Cut the link: an old dead place would otherwise keep every later one alive through a minor collection.
    first.next = undefined;
    if (this.firstUnanswered === undefined) this.#lastUnanswered = undefined;
    this.unansweredCount -= 1;
  }

  /** A publish of this connection was settled, or a packet waits in the outbox. */
  answersChanged(): void {
    if (this.dirty || this.#state !== 'open') return;
    this.dirty = true;
    this.#context.output.add(this);
  }

  /** A QoS 2 exchange is over: its packet identifier is free, and no longer counts here if it was counted here. */
  endExchange(packetId: number): boolean {
    const exchanges = this.session?.exchanges;
    const exchange = exchanges?.get(packetId);
    if (exchange === undefined) return false;
    exchanges?.delete(packetId);
    if (exchange.place.connection === this) this.inFlight -= 1;
    return true;
  }

  /** Sends a control packet at the end of this turn. */
  send(bytes: Buffer): void {
    if (this.#state !== 'open') return;
    this.#outbox ??= [];
    this.#outbox.push(bytes);
    this.#outboxBytes += bytes.length;
    if (this.#outboxBytes >= outboxFlushBytes) this.#context.output.flush(this);
    else this.answersChanged();
  }

  takeOutbox(): Buffer[] | undefined {
    const outbox = this.#outbox;
    this.#outbox = undefined;
    this.#outboxBytes = 0;
    return outbox;
  }

  /** Writes now. A device that does not read what it is owed is cut off. */
  write(bytes: Buffer): void {
    if (this.#state !== 'open') return;
    if (this.#socket.writableLength + bytes.length > this.#context.limits.maxOutgoingBytes) {
      this.#leave('slow_reader', true);
      this.#socket.destroy();
      return;
    }
    this.#socket.write(bytes);
  }

  // Ending

  #violated(violation: Violation): void {
    this.#context.observer.protocolViolation(this, reasonName(violation.code), violation.detail);
    this.disconnect(violation.code, this.version === undefined ? 'not_mqtt' : 'violation', violation.detail);
  }

  /** An error of ours ends this connection, and no other. */
  failed(error: unknown): void {
    this.#context.observer.internalError(this, error);
    this.disconnect(reasonCodes.unspecifiedError, 'internal_error');
  }

  /**
   * Closes with a DISCONNECT (5.0, section 3.14), after the answers that are already settled. The will is published unless
   * the server itself goes away: then the device is about to connect elsewhere.
   */
  disconnect(code: ReasonCode, reason: CloseReason, detail = ''): void {
    if (this.#state === 'open') {
      this.#context.output.flush(this);
      const told =
        this.version === 5
          ? encode({ cmd: 'disconnect', reasonCode: code }, 5, this.maximumPacketSize, detail)
          : undefined;
      this.#end(told, reason, reason !== 'server_shutdown');
    } else if (this.#state === 'authenticating' && this.version !== undefined) {
      this.refuse(this.version, code, detail);
    } else {
      this.#end(undefined, reason, false);
    }
  }

  /** The client has sent DISCONNECT: nothing is sent any more [MQTT-3.14.4-3]. */
  disconnectedByClient(): void {
    this.#end(undefined, 'disconnected', true);
  }

  #end(lastBytes: Buffer | undefined, reason: CloseReason, publishWill: boolean): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#leave(reason, publishWill);
    this.#lastPacketMs = this.#context.coarseMs;
    // Not destroyed at once: bytes that arrive at a closed socket make the kernel reset it, and the peer may then lose
    // our last packet. The sweep destroys what lingers.
    if (lastBytes === undefined) this.#socket.end();
    else this.#socket.end(lastBytes);
    this.#socket.resume();
  }

  /** Everything that ends with a connection, except the socket. */
  #leave(reason: CloseReason, publishWill: boolean): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'closing';
    if (this.#pausedAtMs >= 0) this.#endPause();
    this.firstUnanswered = undefined;
    this.#lastUnanswered = undefined;
    this.unansweredCount = 0;
    this.#outbox = undefined;
    this.#context.observer.connectionClosed(this, reason);
    if (!wasOpen) return;
    this.#context.openConnections -= 1;
    if (this.session !== undefined) this.#context.sessions.leave(this.session, this, publishWill);
  }

  /** The socket is closed, by whomever. */
  transportClosed(): void {
    if (this.#state !== 'closing' && this.#state !== 'closed') this.#leave('network', true);
    this.#state = 'closed';
    this.#context.connections.delete(this);
  }

  destroy(): void {
    if (this.#state !== 'closing' && this.#state !== 'closed') this.#leave('server_shutdown', false);
    this.#socket.destroy();
  }

  /** Deadlines and keep-alive, checked by the one timer of the server. */
  sweep(): void {
    const { coarseMs, limits, sweepIntervalMs } = this.#context;
    const silentMs = coarseMs - this.#lastPacketMs;
    switch (this.#state) {
      case 'connecting':
        if (this.#pausedAtMs < 0 && silentMs > limits.connectTimeoutMs) this.#end(undefined, 'connect_timeout', false);
        break;
      case 'authenticating':
        if (silentMs > limits.connectTimeoutMs) this.#authenticationTimedOut();
        break;
      case 'open':
        // The coarse clock may be one sweep behind when a packet is stamped: never be early [MQTT-3.1.2-22].
        if (this.#pausedAtMs < 0 && this.#keepAliveMs > 0 && silentMs > this.#keepAliveMs + sweepIntervalMs) {
          this.disconnect(reasonCodes.keepAliveTimeout, 'keep_alive_timeout');
        }
        break;
      case 'closing':
        if (silentMs > lingerMs) this.#socket.destroy();
        break;
      case 'closed':
        break;
    }
  }

  #authenticationTimedOut(): void {
    if (this.version !== undefined)
      this.refuse(this.version, reasonCodes.serverUnavailable, 'authentication took too long');
  }
}

export const isConnect = (first: number): boolean => first >> 4 === packetTypes.connect;
