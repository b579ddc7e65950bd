import type { Identity } from '../core/identity.ts';
import type { Publish } from '../core/publish.ts';
import type { Pressure } from '../core/record-sink.ts';
import type { Connection } from './connection.ts';
import { emptyPublishFields, type PublishFields } from './decode/publish.ts';
import { PacketReader } from './decode/reader.ts';
import type { Farewell } from './farewell.ts';
import type { MqttLimits } from './limits.ts';
import type { MqttObserver, PresenceListener } from './observer.ts';
import { OutputTurn } from './output-turn.ts';
import { reasonCodes } from './reason-codes.ts';
import { Sessions } from './sessions.ts';
import { PendingWills } from './will.ts';

/** Who may connect on a listener: devices of the registry, or everybody (trusted networks, conformance tests). */
export type ListenerAuth = 'registry' | 'anonymous';

export interface ListenerOptions {
  readonly name: string;
  readonly host: string;
  /** 0: any free port; see `MqttServer.addresses`. */
  readonly port: number;
  readonly auth: ListenerAuth;
}

/** What a CONNECT carries to prove who sends it. */
export interface Credentials {
  readonly listener: string;
  readonly auth: ListenerAuth;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
}

export type AuthRefusal = 'bad_credentials' | 'not_authorized' | 'server_unavailable' | 'server_busy' | 'banned';
export type AuthResult = { readonly identity: Identity } | { readonly refused: AuthRefusal };

export interface MqttServerOptions {
  readonly listeners: readonly ListenerOptions[];
  readonly limits: MqttLimits;
  /** Called once per CONNECT. A rejected promise refuses the CONNECT as `server_unavailable`. */
  authenticate(credentials: Credentials): Promise<AuthResult>;
  /** Whether a device may leave a will on `topic`. Other publishes are authorized by the pipeline. */
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
}

/** What all connections of one server share. */
export class MqttContext {
  readonly options: MqttServerOptions;
  readonly limits: MqttLimits;
  readonly observer: MqttObserver;
  readonly sessions: Sessions;
  readonly wills: PendingWills;
  readonly output: OutputTurn;
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
    this.coarseMs = this.monotonicMs();
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
