import type { ClientCertificate } from '../core/client-certificate.ts';
import type { Identity } from '../core/identity.ts';
import type { Admission } from '../core/limits/admission.ts';
import { isLimited, type RateLimits } from '../core/limits/message-rate.ts';
import type { Publish } from '../core/publish.ts';
import type { Pressure } from '../core/record-sink.ts';
import type { Connection } from './connection.ts';
import { emptyPublishFields, type PublishFields } from './decode/publish.ts';
import { PacketReader } from './decode/reader.ts';
import type { Farewell } from './farewell.ts';
import type { MqttLimits } from './limits.ts';
import type { ListenerTls } from './listener-tls.ts';
import type { MqttObserver, PresenceListener } from './observer.ts';
import { OutputTurn } from './output-turn.ts';
import { FleetPace, SlowedDevices } from './pacing.ts';
import type { ProxyProtocol } from './proxy-protocol/proxied-sockets.ts';
import { reasonCodes } from './reason-codes.ts';
import { Sessions } from './sessions.ts';
import type { WebSocketOptions } from './websocket/upgrades.ts';
import { PendingWills } from './will.ts';

/** Who may connect on a listener: devices of the registry, or everybody (trusted networks, conformance tests). */
export type ListenerAuth = 'registry' | 'anonymous';

/** What the password of a registered device is on a listener. */
export type ListenerCredentials = 'secret' | 'token' | 'either';

export interface ListenerOptions {
  readonly name: string;
  readonly host: string;
  /** 0: any free port; see `MqttServer.addresses`. */
  readonly port: number;
  readonly auth: ListenerAuth;
  /** Without it, MQTT is spoken in plain text. */
  readonly tls?: ListenerTls | undefined;
  readonly credentials: ListenerCredentials;
  /** MQTT over WebSocket; without it, over the socket as it is. */
  readonly webSocket?: WebSocketOptions | undefined;
  /** Every connection comes from a load balancer that says whom it is from. */
  readonly proxyProtocol?: ProxyProtocol | undefined;
}

/** What a CONNECT carries to prove who sends it. */
export interface Credentials {
  readonly listener: string;
  readonly auth: ListenerAuth;
  readonly accepts: ListenerCredentials;
  readonly clientId: string;
  /** The server has made the client identifier up: the client claims none. */
  readonly clientIdAssigned: boolean;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  /** Verified in the TLS handshake. */
  readonly certificate: ClientCertificate | undefined;
  /** Who has a certificate needs no password here. */
  readonly certificateSuffices: boolean;
  /** Where it comes from, as addresses are counted: work for different ones is done in turn. */
  readonly source?: string;
  /** A device has logged in from there lately. */
  readonly isKnownSource?: boolean;
  /** Whether the connection still waits for the answer. */
  readonly isAwaited?: () => boolean;
  /** It, or its address, has failed too often: it is let in only if no password has to be hashed for that. */
  readonly withoutHash?: boolean;
}

export type AuthRefusal = 'bad_credentials' | 'not_authorized' | 'server_unavailable' | 'server_busy' | 'rate_exceeded';
export type AuthResult =
  /** `expiresAtMs`: when the connection is ended, in milliseconds since the epoch, if its credentials have an end. */
  { readonly identity: Identity; readonly expiresAtMs?: number } | { readonly refused: AuthRefusal };

export interface MqttServerOptions {
  readonly listeners: readonly ListenerOptions[];
  readonly limits: MqttLimits;
  /** Called once per CONNECT. A rejected promise refuses the CONNECT as `server_unavailable`. */
  authenticate(credentials: Credentials): Promise<AuthResult>;
  /** Whether a device may leave a will on `topic`. When it is published, the pipeline asks again, as for all publishes. */
  mayPublish(identity: Identity, topic: string): boolean;
  maySubscribe(identity: Identity, filter: string): boolean;
  /** Takes a publish; answers it later, or at once, through `publish.answer`. Synchronous. */
  receive(publish: Publish): void;
  /** Milliseconds since the epoch: the time of receipt. */
  now(): number;
  /** Milliseconds that never jump: deadlines, keep-alive, expiry. Default: the process's monotonic clock. */
  monotonicMs?(): number;
  /** Interval of the one timer behind deadlines, keep-alive, expiry and wills; 0: the owner calls `sweep`. Default 1000. */
  readonly sweepIntervalMs?: number;
  readonly observer: MqttObserver;
  readonly presence?: PresenceListener | undefined;
  /** Who may begin what. Without it, everybody everything. */
  readonly admission?: Admission | undefined;
  /** What all devices together may send; without it, as much as Kafka takes. */
  readonly fleetRate?: RateLimits | undefined;
  /** The fleet's rate is used up, and nobody is read; or no longer. Synchronous. */
  onFleetRate?(isSpent: boolean): void;
}

/** What all connections of one server share. */
export class MqttContext {
  readonly options: MqttServerOptions;
  readonly limits: MqttLimits;
  readonly observer: MqttObserver;
  readonly sessions: Sessions;
  readonly wills: PendingWills;
  readonly output: OutputTurn;
  /** Connections that are not read because their devices send more than they may. */
  readonly slowed: SlowedDevices;
  readonly fleetPace: FleetPace | undefined;
  /** Every socket that is not closed yet. */
  readonly connections = new Set<Connection>();
  /** Connections that are not read, longest waiting first. */
  readonly paused = new Set<Connection>();
  /** One for all: decoding is synchronous. */
  readonly reader = new PacketReader();
  readonly publishFields: PublishFields = emptyPublishFields();
  /** Publishes handed on and not answered yet, wills and those of connections that are gone included. */
  publishesHeld = 0;
  /** Connections whose CONNECT was accepted. */
  openConnections = 0;
  pressure: Pressure = 0;
  /** The fleet's rate is used up: nobody is read, either. Not part of the pressure, which is about what is unsettled. */
  fleetHeld = false;
  readingStopped = false;
  /** Set when the gateway is about to go away. */
  farewell: Farewell | undefined;
  /** No CONNECT is accepted any more, whatever the farewell is. */
  connectsEnded = false;
  /** The memory is nearly used up: CONNECT is refused before anybody is asked who it is. */
  memoryShort = false;
  /** Bytes of packets that are still arriving, over all connections. */
  partialBytes = 0;
  /** The monotonic clock as of the last sweep: exact enough for keep-alive, and free to read per packet. */
  coarseMs: number;
  readonly sweepIntervalMs: number;
  #onLastClosed: (() => void) | undefined;

  constructor(options: MqttServerOptions) {
    this.options = options;
    this.limits = options.limits;
    this.observer = options.observer;
    this.sweepIntervalMs = options.sweepIntervalMs ?? 1000;
    this.sessions = new Sessions(this);
    this.wills = new PendingWills(this);
    this.output = new OutputTurn(this);
    this.slowed = new SlowedDevices(options.admission?.observer);
    this.fleetPace = this.#createFleetPace();
    this.coarseMs = this.monotonicMs();
  }

  #createFleetPace(): FleetPace | undefined {
    const { fleetRate } = this.options;
    if (fleetRate === undefined || !isLimited(fleetRate)) return undefined;
    const monotonicMs = () => this.monotonicMs();
    return new FleetPace(fleetRate, monotonicMs, (isSpent) => this.#holdFleet(isSpent));
  }

  #holdFleet(isHeld: boolean): void {
    this.fleetHeld = isHeld;
    if (isHeld) this.pauseAll();
    else this.output.addAllPaused();
    this.options.onFleetRate?.(isHeld);
  }

  /** Who was let read and had nothing handled before it was over again keeps its place before those who had their turn. */
  pauseAll(): void {
    for (const { incoming } of this.connections) if (!incoming.wasServed) incoming.pauseIfNecessary();
    for (const { incoming } of this.connections) incoming.pauseIfNecessary();
  }

  /** Hands a publish on to whoever takes it to Kafka; its `answer` must count it out again. */
  handOn(publish: Publish): void {
    this.publishesHeld += 1;
    this.options.receive(publish);
  }

  /** Packets that are still arriving take more than they may: closes the connection that holds most of them. */
  relieve(): void {
    let heaviest: Connection | undefined;
    for (const connection of this.connections) {
      if (connection.incoming.partialBytes > (heaviest?.incoming.partialBytes ?? 0)) heaviest = connection;
    }
    heaviest?.disconnect(reasonCodes.quotaExceeded, 'memory_short', 'too many bytes of incomplete packets');
  }

  socketClosed(connection: Connection): void {
    this.connections.delete(connection);
    if (this.connections.size === 0) this.#onLastClosed?.();
  }

  /** Resolves when there is no socket left. Called once, at the end. */
  async allClosed(): Promise<void> {
    if (this.connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onLastClosed = resolve;
    });
  }

  monotonicMs(): number {
    return this.options.monotonicMs === undefined ? performance.now() : this.options.monotonicMs();
  }
}
