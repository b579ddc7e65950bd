import type { Identity } from '../core/identity.ts';
import type { ProtocolVersion } from './packet-types.ts';
import type { ReasonName } from './reason-codes.ts';

/** Why a connection ended. */
export type CloseReason =
  /** The client sent DISCONNECT. */
  | 'disconnected'
  /** The client or the network closed it without DISCONNECT. */
  | 'network'
  /** No CONNECT in time. */
  | 'connect_timeout'
  /** The first packet was not a CONNECT of MQTT. */
  | 'not_mqtt'
  /** CONNECT was answered with a refusal. */
  | 'refused'
  /** The client broke the standard. */
  | 'violation'
  | 'keep_alive_timeout'
  | 'session_taken_over'
  /** The certificate of the device was revoked, or has expired. */
  | 'certificate_ended'
  /** The device was disabled in the registry, or removed from it. */
  | 'device_ended'
  /** The registry holds something else about the device: its secret, what it is bound to, its groups or its certificate. */
  | 'device_changed'
  /** The token that it came with has expired. */
  | 'credentials_expired'
  /** An administrator has ended it. */
  | 'administrative_action'
  /** AUTH brought a token that does not count. */
  | 'reauthentication_failed'
  /** The device went on sending far more than it may. */
  | 'message_rate'
  /** The device did not read what it was sent. */
  | 'slow_reader'
  /** Cut off, or told 0x97, because what it held in memory was needed. */
  | 'memory_short'
  | 'server_shutdown'
  | 'internal_error';

/** What is known of a connection; also what an observer may log of it. */
export interface ConnectionFacts {
  readonly listener: string;
  /** Undefined once the peer has gone. */
  readonly remoteAddress: string | undefined;
  /** Undefined before CONNECT. */
  readonly version: ProtocolVersion | undefined;
  /** Empty before CONNECT was accepted. */
  readonly clientId: string;
  /** Empty before CONNECT was accepted. */
  readonly deviceId: string;
}

/** Told which devices come and go, when it is known who they are. Called in the middle of it: must not block or throw. */
export interface PresenceListener {
  connected(identity: Identity, connection: ConnectionFacts, sessionPresent: boolean): void;
  disconnected(identity: Identity, connection: ConnectionFacts, reason: CloseReason): void;
  willPublished(identity: Identity): void;
}

/** Every event of the MQTT edge, one function each. Called on the hot path: implementations must not block or throw. */
export interface MqttObserver {
  socketAccepted(listener: string): void;
  /** Closed at accept, without a word: more sockets than the limit. */
  socketRefused(listener: string): void;
  connectionOpened(connection: ConnectionFacts, sessionPresent: boolean): void;
  connectRefused(connection: ConnectionFacts, reason: ReasonName, detail: string): void;
  connectionClosed(connection: ConnectionFacts, reason: CloseReason): void;
  /** The client broke the standard; the connection is being closed with `reason`. */
  protocolViolation(connection: ConnectionFacts, reason: ReasonName, detail: string): void;
  internalError(connection: ConnectionFacts | undefined, error: unknown): void;
  publishReceived(qos: 0 | 1 | 2): void;
  /** A PUBACK or PUBREC was handed to the socket; `reason` is `success` for a delivered publish. */
  publishAnswered(qos: 1 | 2, reason: ReasonName): void;
  /** A publish whose packet identifier is still in flight came again and was not handed on. */
  resendAbsorbed(qos: 1 | 2): void;
  connectionPaused(): void;
  connectionResumed(): void;
  sessionTakenOver(connection: ConnectionFacts): void;
  sessionExpired(): void;
  /** Dropped before its time because the table was full. */
  sessionEvicted(): void;
  willPublished(): void;
  /** Never published, as the certificate was revoked that its device came with. */
  willWithdrawn(): void;
  subscriptionRefused(connection: ConnectionFacts, filter: string): void;
}
