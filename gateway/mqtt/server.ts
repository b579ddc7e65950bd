import type { Socket } from 'node:net';
import type { ClientCertificate } from '../core/client-certificate.ts';
import type { Identity } from '../core/identity.ts';
import type { Pressure } from '../core/record-sink.ts';
import { Arrivals } from './arrivals.ts';
import { Connection } from './connection.ts';
import { type ListenerAuth, type ListenerOptions, MqttContext, type MqttServerOptions } from './context.ts';
import { endExpired, endRevoked } from './ended-certificates.ts';
import { type DevicesNow, endChanged, registeredDevices } from './ended-devices.ts';
import { endSubscriptions } from './ended-subscriptions.ts';
import { type Farewell, shuttingDown } from './farewell.ts';
import { HandOver, type HandOverOptions } from './hand-over.ts';
import { Listener } from './listener.ts';
import type { ListenerTlsMaterial } from './listener-tls.ts';
import { LiveSessions } from './live-sessions.ts';
import type { SecureListener } from './secure-listener.ts';
import type { Transport } from './transport.ts';

/** Ending a connection that holds less would free nothing to speak of. */
const worthCuttingBytes = 4096;

export interface ListenerAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly auth: ListenerAuth;
  readonly isSecure: boolean;
  readonly transport: 'tcp' | 'websocket';
}

/**
 * The MQTT edge: MQTT 3.1.1 and 5.0 over TCP, TLS or WebSocket (design: rules of delivery 1, 2, 3 and 8).
 *
 * Ends source first: `announceFarewell`, `stopAccepting`, `handOver`, `stopReading`; then the owner settles what is still
 * under way, which is still answered; then `dismissAll`, and `close`.
 */
export class MqttServer {
  readonly #context: MqttContext;
  readonly #listeners: readonly Listener[];
  readonly #arrivals: Arrivals;
  #sweepTimer: NodeJS.Timeout | undefined;

  constructor(options: MqttServerOptions) {
    this.#context = new MqttContext(options);
    this.#arrivals = new Arrivals(options.admission, () => this.#context.monotonicMs());
    const owner = {
      now: () => options.now(),
      maxPacketBytes: options.limits.maxPacketBytes,
      refuses: this.#refusesSocket.bind(this),
      arrive: (socket: Socket) => this.#arrivals.arrive(socket),
      shakeHands: (socket: Socket, secure: SecureListener) => this.#arrivals.shakeHands(socket, secure),
      accept: this.#accept.bind(this),
    };
    this.#listeners = options.listeners.map((listener) => new Listener(listener, owner));
  }

  /** Listens on every listener. Rejects with the system's error, all listeners closed, when one of them can not. */
  async start(): Promise<void> {
    try {
      for (const listener of this.#listeners) {
        await listener.listen((error) => this.#context.observer.internalError(undefined, error));
      }
    } catch (error) {
      this.stopAccepting();
      throw error;
    }
    const { sweepIntervalMs } = this.#context;
    if (sweepIntervalMs > 0) this.#sweepTimer = setInterval(() => this.sweep(), sweepIntervalMs);
  }

  /** Where it listens; ports that were 0 are resolved. */
  get addresses(): ListenerAddress[] {
    const addresses: ListenerAddress[] = [];
    for (const { options, address } of this.#listeners) {
      if (address === undefined) continue;
      const { name, auth, tls, webSocket } = options;
      const transport = webSocket === undefined ? 'tcp' : 'websocket';
      const isSecure = tls !== undefined;
      addresses.push({ name, host: address.address, port: address.port, auth, isSecure, transport });
    }
    return addresses;
  }

  // Gauges, read when metrics are collected.
  get connections(): number {
    return this.#context.openConnections;
  }
  /** Accepted, also before CONNECT and while closing. */
  get sockets(): number {
    return this.#context.connections.size;
  }
  /** TLS handshakes under way, which are no connections yet. */
  get handshakes(): number {
    return this.#listeners.reduce((sum, { handshakes }) => sum + handshakes, 0);
  }
  /** Headers of the PROXY protocol that are waited for. */
  get proxyHeaders(): number {
    return this.#listeners.reduce((sum, { proxyHeaders }) => sum + proxyHeaders, 0);
  }
  /** HTTP requests under way that may become WebSockets. */
  get upgrades(): number {
    return this.#listeners.reduce((sum, { upgrades }) => sum + upgrades, 0);
  }
  /** Accepted sockets whose TLS handshake has not begun. */
  get handshakesWaiting(): number {
    return this.#arrivals.waiting;
  }
  /** Connections whose devices send more than they may. */
  get slowedConnections(): number {
    return this.#context.slowed.size;
  }
  /** Nobody is read, as all devices together have sent more than they may. */
  get isFleetHeld(): boolean {
    return this.#context.fleetHeld;
  }
  get pausedConnections(): number {
    return this.#context.paused.size;
  }
  get sessions(): number {
    return this.#context.sessions.size;
  }
  get sessionsAway(): number {
    return this.#context.sessions.away;
  }
  /** Publishes handed on and not answered yet: counted where they leave and where their answers arrive. */
  get publishesHeld(): number {
    return this.#context.publishesHeld;
  }
  /** Those that have a connection, one by one. */
  get liveSessions(): LiveSessions {
    return new LiveSessions(this.#context);
  }
  /** Bytes of packets that are still arriving. */
  get partialBytes(): number {
    return this.#context.partialBytes;
  }
  get pendingWills(): number {
    return this.#context.wills.size;
  }

  /** How full the gateway is (rule 8). Cheap when nothing changes; resuming happens at the end of the turn. */
  setPressure(pressure: Pressure): void {
    const context = this.#context;
    const before = context.pressure;
    if (pressure === before) return;
    context.pressure = pressure;
    if (pressure < before) context.output.addAllPaused();
    else if (pressure === 2) context.pauseAll();
  }

  /** Deadlines, keep-alive, session expiry, wills. Called by its own timer, unless `sweepIntervalMs` is 0. */
  sweep(): void {
    const context = this.#context;
    const { coarseMs, sweepIntervalMs } = context;
    context.coarseMs = context.monotonicMs();
    // After a stall of the process, packets that arrived in time are still unread: they get one interval to be read.
    const stalled = sweepIntervalMs > 0 && context.coarseMs - coarseMs > 3 * sweepIntervalMs;
    if (!stalled) for (const connection of context.connections) connection.sweep();
    if (this.#listeners.some(({ secure }) => secure !== undefined)) endExpired(context, context.options.now());
    for (const { secure } of this.#listeners) secure?.rotateTicketKeys();
    context.sessions.sweep();
    context.wills.sweep();
    context.slowed.sweep(context.coarseMs);
    context.options.admission?.sweep(context.coarseMs);
  }

  /**
   * Has a listener show and judge certificates by other files from now on. Connections and sessions stay, but for those
   * whose certificate is revoked by now.
   *
   * @param name of a listener that has TLS.
   * @returns how many connections were ended.
   */
  useTls(name: string, material: ListenerTlsMaterial): number {
    const listener = this.#listeners.find(({ options }) => options.name === name);
    if (listener?.secure === undefined) return 0;
    listener.secure.use(material);
    return endRevoked(this.#context, listener.options, material.isRevoked);
  }

  /** The registered devices that have a connection or a session here. */
  get devices(): ReadonlySet<string> {
    return registeredDevices(this.#context);
  }

  /**
   * Ends what was granted to devices as they were before: connections, sessions, and wills that they may not publish any
   * more. Devices of which `now` says nothing, or what was so before, are left alone.
   *
   * @returns how many connections were ended.
   */
  useDevices(now: DevicesNow): number {
    return endChanged(this.#context, now);
  }

  /**
   * Takes away the subscriptions that may not stay, of all sessions.
   *
   * @returns how many.
   */
  endSubscriptions(mayStay: (identity: Identity, filter: string) => boolean): number {
    return endSubscriptions(this.#context, mayStay);
  }

  stopAccepting(): void {
    for (const listener of this.#listeners) listener.stopAccepting();
  }

  /** For good. What has been read is still answered. */
  stopReading(): void {
    const context = this.#context;
    context.readingStopped = true;
    for (const { incoming } of context.connections) incoming.pauseIfNecessary();
  }

  /** What devices will be told at the end. Where it names another server, new ones of MQTT 5 are told so at once. */
  announceFarewell(farewell: Farewell): void {
    this.#context.farewell = farewell;
  }

  /**
   * Lets the devices go, at a pace: each is served until its turn, then no longer read, answered what it has sent, told,
   * and closed. No CONNECT is accepted any more. Resolves, at the latest after `deadlineMs`, with how many are left:
   * those whose publishes were not settled in time.
   */
  handOver(options: HandOverOptions): Promise<number> {
    this.#context.farewell ??= shuttingDown;
    this.#context.connectsEnded = true;
    return HandOver.run(this.#context, options);
  }

  /** Writes what is settled, then closes every connection, in MQTT 5 with DISCONNECT. Wills are not published. */
  dismissAll(): void {
    for (const connection of this.#context.connections) connection.dismiss();
  }

  /** The memory is nearly used up, or no longer: new connections are refused meanwhile. */
  setMemoryShort(memoryShort: boolean): void {
    this.#context.memoryShort = memoryShort;
  }

  /**
   * Cuts off the connections that hold most bytes which were read and not handled, or written and not taken, until
   * `bytes` are free. Returns how many. The last resort: what they had sent was not acknowledged and comes again.
   */
  cutOffHeaviest(bytes: number): number {
    const heavy = [...this.#context.connections]
      .map((connection) => ({ connection, heldBytes: connection.heldBytes }))
      .filter(({ heldBytes }) => heldBytes >= worthCuttingBytes)
      .sort((a, b) => b.heldBytes - a.heldBytes);
    let freed = 0;
    let count = 0;
    for (const { connection, heldBytes } of heavy) {
      if (freed >= bytes) break;
      connection.cutOff('memory_short');
      freed += heldBytes;
      count += 1;
    }
    return count;
  }

  /**
   * Ends everything; resolves when every socket is closed. Connections that `dismissAll` has ended get up to
   * `lingerMs` to read their last packet.
   */
  async close(lingerMs = 1_000): Promise<void> {
    const context = this.#context;
    clearInterval(this.#sweepTimer);
    this.stopReading();
    this.stopAccepting();
    context.output.cancel();
    for (const connection of context.connections) if (!connection.hasEnded) connection.cutOff('server_shutdown');
    context.wills.clear();
    this.#arrivals.abandon();
    context.fleetPace?.close();
    for (const listener of this.#listeners) listener.abandon();
    const closed = Promise.all([context.allClosed(), ...this.#listeners.map((listener) => listener.closed())]);
    const linger = setTimeout(() => {
      for (const connection of context.connections) connection.cutOff('server_shutdown');
    }, lingerMs);
    await closed;
    clearTimeout(linger);
  }

  /** A refusal in MQTT needs a CONNECT first, so somewhat more sockets are let in than connections. */
  #refusesSocket(socket: Pick<Transport, 'destroy'>, listener: ListenerOptions): boolean {
    const { connections, limits, observer } = this.#context;
    if (connections.size + this.upgrades < Math.ceil(limits.maxConnections * 1.1) + 100) return false;
    observer.socketRefused(listener.name);
    socket.destroy();
    return true;
  }

  #accept(
    transport: Transport,
    listener: ListenerOptions,
    certificate: ClientCertificate | undefined,
    socket: Socket,
  ): Connection | undefined {
    if (this.#refusesSocket(transport, listener)) return undefined;
    const context = this.#context;
    const connection = new Connection(context, transport, listener, certificate);
    connection.peer = this.#arrivals.spoken(socket);
    context.connections.add(connection);
    context.observer.socketAccepted(listener.name);
    return connection;
  }
}
