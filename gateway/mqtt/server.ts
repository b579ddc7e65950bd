import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Pressure } from '../core/record-sink.ts';
import { Connection } from './connection.ts';
import { type ListenerAuth, type ListenerOptions, MqttContext, type MqttServerOptions } from './context.ts';
import { type Farewell, shuttingDown } from './farewell.ts';
import { HandOver, type HandOverOptions } from './hand-over.ts';

const connectionOf = Symbol('connection');
interface EdgeSocket extends Socket {
  [connectionOf]?: Connection;
}

// One set of listeners for all sockets: a closure per socket and event would cost more than the connection's own state.
function onData(this: EdgeSocket, chunk: Buffer): void {
  this[connectionOf]?.incoming.received(chunk);
}
function onClose(this: EdgeSocket): void {
  this[connectionOf]?.transportClosed();
}
/** 'close' follows, and says all that there is to say. */
function onError(): void {}

/**
 * Stream buffer of a socket. Small, because it fills only while a connection is paused: then one read is kept, and no
 * more. A connection that is read takes its chunks directly.
 */
const highWaterMarkBytes = 1_024;
/** When a silent peer is probed by TCP: the only way to notice one that asked for no keep-alive (3.1.1). */
const tcpKeepAliveDelayMs = 60_000;
/** Ending a connection that holds less would free nothing to speak of. */
const worthCuttingBytes = 4096;

export interface ListenerAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly auth: ListenerAuth;
}

/**
 * The MQTT edge: MQTT 3.1.1 and 5.0 over TCP (design: rules of delivery 1, 2, 3 and 8).
 *
 * Ends source first: `announceFarewell`, `stopAccepting`, `handOver`, `stopReading`; then the owner settles what is still
 * under way, which is still answered; then `dismissAll`, and `close`.
 */
export class MqttServer {
  readonly #context: MqttContext;
  readonly #listeners: { readonly options: ListenerOptions; readonly server: Server }[] = [];
  #sweepTimer: NodeJS.Timeout | undefined;

  constructor(options: MqttServerOptions) {
    this.#context = new MqttContext(options);
    for (const listener of options.listeners) {
      const server = createServer(
        {
          noDelay: true,
          keepAlive: true,
          keepAliveInitialDelay: tcpKeepAliveDelayMs,
          highWaterMark: highWaterMarkBytes,
        },
        (socket) => this.#accept(socket, listener),
      );
      this.#listeners.push({ options: listener, server });
    }
  }

  /** Listens on every listener. Rejects with the system's error, all listeners closed, when one of them can not. */
  async start(): Promise<void> {
    try {
      for (const { options, server } of this.#listeners) {
        server.listen({ host: options.host, port: options.port, backlog: 4096 });
        await once(server, 'listening');
        // For example too many open files at accept: an event without a listener would end the process.
        server.on('error', (error) => this.#context.observer.internalError(undefined, error));
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
    for (const { options, server } of this.#listeners) {
      const address = server.address();
      if (address === null || typeof address === 'string') continue;
      addresses.push({ name: options.name, host: address.address, port: address.port, auth: options.auth });
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
    else if (pressure === 2) this.#pauseAll();
  }

  /** Who was let read and had nothing handled before it was over again keeps its place before those who had their turn. */
  #pauseAll(): void {
    const { connections } = this.#context;
    for (const { incoming } of connections) if (!incoming.wasServed) incoming.pauseIfNecessary();
    for (const { incoming } of connections) incoming.pauseIfNecessary();
  }

  /** Deadlines, keep-alive, session expiry, wills. Called by its own timer, unless `sweepIntervalMs` is 0. */
  sweep(): void {
    const context = this.#context;
    const { coarseMs, sweepIntervalMs } = context;
    context.coarseMs = context.monotonicMs();
    // After a stall of the process, packets that arrived in time are still unread: they get one interval to be read.
    const stalled = sweepIntervalMs > 0 && context.coarseMs - coarseMs > 3 * sweepIntervalMs;
    if (!stalled) for (const connection of context.connections) connection.sweep();
    context.sessions.sweep();
    context.wills.sweep();
  }

  stopAccepting(): void {
    for (const { server } of this.#listeners) if (server.listening) server.close();
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
    const closed = Promise.all([context.allClosed(), ...this.#listeners.map(({ server }) => closedServer(server))]);
    const linger = setTimeout(() => {
      for (const connection of context.connections) connection.cutOff('server_shutdown');
    }, lingerMs);
    await closed;
    clearTimeout(linger);
  }

  #accept(socket: EdgeSocket, listener: ListenerOptions): void {
    const context = this.#context;
    // A refusal in MQTT needs a CONNECT first, so somewhat more sockets are let in than connections.
    if (context.connections.size >= Math.ceil(context.limits.maxConnections * 1.1) + 100) {
      context.observer.socketRefused(listener.name);
      socket.destroy();
      return;
    }
    const connection = new Connection(context, socket, listener);
    socket[connectionOf] = connection;
    context.connections.add(connection);
    context.observer.socketAccepted(listener.name);
    socket.on('data', onData).on('close', onClose).on('error', onError);
    connection.incoming.pauseIfNecessary();
  }
}

/** Resolves when the listener and all of its sockets are closed. */
function closedServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
