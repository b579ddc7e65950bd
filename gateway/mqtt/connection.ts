import type { Buffer } from 'node:buffer';
import type { ClientCertificate } from '../core/client-certificate.ts';
import type { Identity } from '../core/identity.ts';
import type { DeviceAccount } from '../core/limits/devices.ts';
import type { MessageRate } from '../core/limits/message-rate.ts';
import type { Peer } from '../core/limits/peer.ts';
import type { Recall } from '../core/recall.ts';
import { releaseDevice } from './admit.ts';
import { refusingConnack } from './connack.ts';
import type { ListenerOptions, MqttContext } from './context.ts';
import type { TopicMemory } from './decode/publish.ts';
import { encode } from './encode.ts';
import { connackCodeOf, directionOf, encodeFarewell, type Farewell, shuttingDown } from './farewell.ts';
import { Incoming } from './incoming.ts';
import type { CloseReason, ConnectionFacts } from './observer.ts';
import { Outgoing } from './outgoing.ts';
import { PacketClock } from './packet-clock.ts';
import type { ProtocolVersion } from './packet-types.ts';
import { type ReasonCode, reasonCodes, reasonName } from './reason-codes.ts';
import type { Session } from './session.ts';
import type { Transport } from './transport.ts';
import type { Violation } from './violation.ts';

/** Waiting for CONNECT; for authentication; in use; last bytes written, waiting for the peer to close; gone. */
type State = 'connecting' | 'authenticating' | 'open' | 'closing' | 'closed';

/** Longest wait for the peer to close its side after our last packet; until then what it sends is discarded. */
const lingerMs = 2_000;

/**
 * One network connection from its first byte to its end: who it is, what was granted to it, and how it closes, with a
 * reason. What it reads is in `incoming`, what it owes in `outgoing`.
 *
 * Thousands of idle ones must be cheap: no closures, timers or emitters of its own, and what is seldom used is made late.
 */
export class Connection implements ConnectionFacts {
  readonly context: MqttContext;
  readonly listenerOptions: ListenerOptions;
  /** Verified in the TLS handshake. */
  readonly certificate: ClientCertificate | undefined;
  readonly incoming: Incoming;
  readonly outgoing: Outgoing;
  readonly clock: PacketClock;
  readonly #socket: Transport;
  #state: State = 'connecting';
  /** Goes as soon as nothing is owed to it. */
  #isLeaving = false;
  /** When its credentials cease to count, in coarse monotonic milliseconds: a step of the wall clock moves nothing. */
  #expiresAtMs = Number.POSITIVE_INFINITY;

  version: ProtocolVersion | undefined;
  session: Session | undefined;
  /** Set with the session. */
  identity: Identity | undefined;
  /** When CONNECT was accepted, milliseconds since the epoch. */
  connectedAtMs = 0;
  /** Limit of the client for what it is sent (5.0). */
  maximumPacketSize = Number.POSITIVE_INFINITY;
  /** Whether the client wants reason strings with its answers (5.0, section 3.1.2.11.7). */
  problemInformation = true;
  /**
   * Of the receive maximum (5.0, section 4.9): QoS 1 until PUBACK, QoS 2 until PUBCOMP. Below zero where PUBCOMPs of
   * exchanges from before this connection have let the client send more.
   */
  inFlight = 0;
  /** How many of them it was granted; for 3.1.1 the number at which it is not read further. Set with the session. */
  receiveMaximum = 0;
  /** Whether it may send AUTH (5.0, section 4.12.1); undefined: it came without an authentication method. */
  reauthentication: 'possible' | 'under way' | undefined;
  /** Where it comes from. Undefined where nothing is limited by that. */
  peer: Peer | undefined;
  /** What it is counted in with the other connections of its device, and the rate that it shares with them. */
  account: DeviceAccount | undefined;
  rate: MessageRate | undefined;
  topics: TopicMemory | undefined;
  recall: Recall | undefined;
  topicAliases: (string | undefined)[] | undefined;

  constructor(
    context: MqttContext,
    socket: Transport,
    listener: ListenerOptions,
    certificate: ClientCertificate | undefined,
  ) {
    this.context = context;
    this.listenerOptions = listener;
    this.certificate = certificate;
    this.incoming = new Incoming(this, socket);
    this.outgoing = new Outgoing(this, socket);
    this.clock = new PacketClock(context.coarseMs);
    this.#socket = socket;
  }

  get listener(): string {
    return this.listenerOptions.name;
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
  get isConnecting(): boolean {
    return this.#state === 'connecting';
  }
  /** Whether it takes packets in this state. */
  get isRead(): boolean {
    return this.#state === 'open' || this.#state === 'connecting';
  }
  get hasEnded(): boolean {
    return this.#state === 'closing' || this.#state === 'closed';
  }

  /** Bytes that this connection keeps in memory beside its unsettled publishes: read and not handled, or not yet sent. */
  get heldBytes(): number {
    return this.#socket.destroyed ? 0 : this.incoming.heldBytes + this.#socket.writableLength;
  }

  /** CONNECT has arrived: nothing more is read until `opened` or `refuse`. */
  authenticating(version: ProtocolVersion): void {
    this.version = version;
    this.#state = 'authenticating';
    this.incoming.hold();
  }

  /** CONNECT is accepted: CONNACK goes out first, then what the client has sent meanwhile is read. */
  opened(session: Session, keepAliveSeconds: number, connack: Buffer, sessionPresent: boolean): void {
    this.session = session;
    this.identity = session.identity;
    this.connectedAtMs = this.context.options.now();
    this.clock.keepAliveMs = keepAliveSeconds * 1500;
    this.clock.stamp(this.context.coarseMs);
    this.#state = 'open';
    this.context.openConnections += 1;
    this.context.observer.connectionOpened(this, sessionPresent);
    this.context.options.presence?.connected(session.identity, this, sessionPresent);
    this.outgoing.write(connack);
    this.incoming.readOn();
  }

  /** The credentials of its CONNECT count for so long: then the sweep ends it. */
  expiresIn(ms: number): void {
    this.#expiresAtMs = this.context.monotonicMs() + ms;
  }

  /** Answers CONNECT with a refusal, as far as the client's version has words for it, and closes. */
  refuse(version: ProtocolVersion, code: ReasonCode, detail: string): void {
    if (this.isOpen || this.hasEnded) return;
    this.version = version;
    this.context.observer.connectRefused(this, reasonName(code), detail);
    const { farewell, limits } = this.context;
    const direction = version === 5 ? directionOf(code, farewell, limits.overloadReference) : undefined;
    const last =
      direction === undefined
        ? refusingConnack(version, code, detail, this.maximumPacketSize)
        : encodeFarewell('connack', direction, this.maximumPacketSize);
    this.#end(last, 'refused', false);
  }

  /** The gateway goes away: nothing more is read; what has been read is settled and answered; then the device is told. */
  leave(): void {
    if (this.#isLeaving || this.hasEnded) return;
    this.#isLeaving = true;
    this.incoming.stop();
    this.dismissIfDone();
  }

  /** Tells a device that was only waiting for its last answer. */
  dismissIfDone(): void {
    if (this.#isLeaving && this.outgoing.count === 0) this.dismiss();
  }

  /** Says farewell and closes, settled or not. Wills are not published: the device is about to connect elsewhere. */
  dismiss(): void {
    const farewell: Farewell = this.context.farewell ?? shuttingDown;
    if (this.isAuthenticating && this.version !== undefined) {
      this.refuse(this.version, connackCodeOf(farewell), 'this gateway is going away');
      return;
    }
    if (this.isOpen) this.context.output.flush(this);
    const isTold = this.isOpen && this.version === 5;
    const last = isTold ? encodeFarewell('disconnect', farewell, this.maximumPacketSize) : undefined;
    this.#end(last, 'server_shutdown', false);
  }

  /**
   * A QoS 2 exchange is over: its packet identifier is free. Returns whether there was one. Every PUBCOMP lets the client
   * send one more (section 4.9), wherever the exchange began; but no more than twice what it was granted.
   */
  endExchange(packetId: number): boolean {
    this.inFlight = Math.max(this.inFlight - 1, -this.receiveMaximum);
    return this.session?.exchanges?.delete(packetId) ?? false;
  }

  /** The client has broken the standard: closes with the violation's code. */
  violated(violation: Violation): void {
    this.context.observer.protocolViolation(this, reasonName(violation.code), violation.detail);
    this.disconnect(violation.code, this.version === undefined ? 'not_mqtt' : 'violation', violation.detail);
  }

  /** An error of ours ends this connection, and no other. */
  failed(error: unknown): void {
    this.context.observer.internalError(this, error);
    // Whatever it was, writing what was owed may fail in the same way again.
    this.outgoing.clear();
    this.disconnect(reasonCodes.unspecifiedError, 'internal_error');
  }

  /**
   * Closes with a DISCONNECT (5.0, section 3.14), after the answers that are already settled; the will is published.
   */
  disconnect(code: ReasonCode, reason: CloseReason, detail = ''): void {
    if (this.isOpen) this.context.output.flush(this);
    if (this.isOpen && this.version === 5) {
      const last = encode({ cmd: 'disconnect', reasonCode: code }, 5, this.maximumPacketSize, detail);
      this.#end(last, reason, true);
    } else if (this.isAuthenticating && this.version !== undefined) {
      this.refuse(this.version, code, detail);
    } else {
      this.#end(undefined, reason, true);
    }
  }

  /** The certificate that let it in is worth nothing any more. */
  certificateEnded(): void {
    if (!this.hasEnded) this.disconnect(reasonCodes.notAuthorized, 'certificate_ended');
  }

  /** Others may have the key of its certificate: neither the will nor the session may be the device's. */
  certificateRevoked(): void {
    const { session } = this;
    if (session?.connection === this) {
      if (session.will !== undefined) this.context.observer.willWithdrawn();
      session.will = undefined;
      session.expirySeconds = 0;
    }
    this.certificateEnded();
  }

  /** The registry's row of its device has changed; `mayConnect`: the device may come back, with what is right now. */
  deviceChanged(mayConnect: boolean): void {
    if (this.hasEnded) return;
    if (mayConnect) this.disconnect(reasonCodes.notAuthorized, 'device_changed');
    else this.disconnect(reasonCodes.administrativeAction, 'device_ended');
  }

  /** The client has sent DISCONNECT: nothing is sent any more [MQTT-3.14.4-3]. */
  disconnectedByClient(): void {
    this.#end(undefined, 'disconnected', true);
  }

  #end(lastBytes: Buffer | undefined, reason: CloseReason, publishWill: boolean): void {
    if (this.hasEnded) return;
    this.#release(reason, publishWill);
    // Not destroyed at once: bytes that arrive at a closed socket make the kernel reset it, and the peer may then lose
    // our last packet. The sweep destroys what lingers.
    this.clock.stamp(this.context.coarseMs);
    if (lastBytes === undefined) this.#socket.end();
    else this.#socket.end(lastBytes);
    this.#socket.resume();
  }

  /** Ends it without a word. */
  cutOff(reason: CloseReason): void {
    if (!this.hasEnded) this.#release(reason, reason !== 'server_shutdown');
    this.#socket.destroy();
  }

  /** Everything that ends with a connection, except the socket. */
  #release(reason: CloseReason, publishWill: boolean): void {
    const wasOpen = this.isOpen;
    this.#state = 'closing';
    this.outgoing.clear();
    this.incoming.clear();
    this.context.observer.connectionClosed(this, reason);
    releaseDevice(this);
    if (!wasOpen) return;
    this.context.openConnections -= 1;
    if (this.identity !== undefined) this.context.options.presence?.disconnected(this.identity, this, reason);
    if (this.session !== undefined) this.context.sessions.leave(this.session, this, publishWill);
  }

  /** The socket is closed, by whomever. */
  transportClosed(): void {
    if (!this.hasEnded) this.#release('network', true);
    this.#state = 'closed';
    this.context.socketClosed(this);
  }

  /** Deadlines and keep-alive, checked by the one timer of the server. */
  sweep(): void {
    const { coarseMs, limits, sweepIntervalMs } = this.context;
    if (this.#state === 'open') {
      if (coarseMs >= this.#expiresAtMs) {
        this.disconnect(reasonCodes.maximumConnectTime, 'credentials_expired', 'the credentials have expired');
        return;
      }
      if (!this.clock.isSilent(coarseMs, sweepIntervalMs)) return;
      this.disconnect(reasonCodes.keepAliveTimeout, 'keep_alive_timeout');
    } else if (this.#state === 'connecting') {
      if (this.clock.isOver(limits.connectTimeoutMs, coarseMs)) this.#end(undefined, 'connect_timeout', false);
    } else if (this.#state === 'authenticating') {
      if (!this.clock.isOver(limits.connectTimeoutMs, coarseMs)) return;
      this.disconnect(reasonCodes.serverUnavailable, 'refused', 'authentication took too long');
    } else if (this.clock.isOver(lingerMs, coarseMs)) {
      this.#socket.destroy();
    }
  }
}
