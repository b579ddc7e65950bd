import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Pipe, type PipeConditions } from './pipe.ts';

export interface TcpProxyOptions {
  /** Where clients connect on 127.0.0.1; 0 takes a free port. */
  readonly listenPort: number;
  /** Where the server listens on 127.0.0.1. */
  readonly targetPort: number;
  /** Bytes held per connection and direction before its source is not read further; 16 MiB by default. */
  readonly maxBufferedBytes?: number;
}

/** `toServer`: what clients send is lost. `toClient`: the server gets it all, and its answers are lost. */
export type Direction = 'toServer' | 'toClient';

const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;

/** A TCP proxy on the loopback whose network can be cut, made a black hole, or slowed down. */
export class TcpProxy implements AsyncDisposable {
  readonly listenPort: number;
  readonly targetPort: number;
  readonly #maxBufferedBytes: number;
  #server: Server | undefined;
  readonly #links = new Set<Link>();
  #latencyMs = 0;
  readonly #blocked = new Set<Direction>();

  private constructor(listenPort: number, targetPort: number, maxBufferedBytes: number) {
    this.listenPort = listenPort;
    this.targetPort = targetPort;
    this.#maxBufferedBytes = maxBufferedBytes;
  }

  /**
   * Starts listening. The target need not listen yet: a client whose connection it refuses is reset.
   *
   * @throws {Error} EADDRINUSE when somebody else listens on the port
   */
  static async start(options: TcpProxyOptions): Promise<TcpProxy> {
    const server = await listen(options.listenPort);
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : options.listenPort;
    const proxy = new TcpProxy(port, options.targetPort, options.maxBufferedBytes ?? MAX_BUFFERED_BYTES);
    proxy.#serve(server);
    return proxy;
  }

  /** Connections of clients that are open, served or held. */
  get connections(): number {
    return this.#links.size;
  }

  /** Resets every connection and refuses new ones until `heal`. */
  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server === undefined ? undefined : once(server, 'close');
    server?.close();
    this.resetConnections();
    await closed;
  }

  /** Resets every connection; new ones are served. */
  resetConnections(): void {
    for (const link of this.#links) {
      link.reset();
    }
  }

  /**
   * Keeps connections open and moves no byte until `heal`, which delivers what was held. New connections are accepted
   * (a proxy cannot lose the packet that opens one) and held likewise.
   *
   * @param direction only this one, the other goes on; both when not given
   */
  blackhole(direction?: Direction): void {
    for (const blocked of direction === undefined ? (['toServer', 'toClient'] as const) : [direction]) {
      this.#blocked.add(blocked);
    }
    this.#applyConditions();
  }

  /** Ends `cut` and `blackhole`; a latency stays. Held bytes move on. */
  async heal(): Promise<void> {
    this.#blocked.clear();
    this.#applyConditions();
    if (this.#server === undefined) {
      this.#serve(await listen(this.listenPort));
    }
  }

  /** Holds every byte for this long in each direction, in order; 0 ends it. A round trip takes twice as long. */
  setLatencyMs(latencyMs: number): void {
    this.#latencyMs = latencyMs;
    this.#applyConditions();
  }

  /** Resets every connection and stops listening for good. */
  async close(): Promise<void> {
    await this.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #serve(server: Server): void {
    this.#server = server;
    server.on('connection', (client) => {
      const link = new Link(client, this.targetPort, this.#conditions(), this.#maxBufferedBytes);
      this.#links.add(link);
      link.onClosed(() => this.#links.delete(link));
    });
  }

  #applyConditions(): void {
    const conditions = this.#conditions();
    for (const link of this.#links) {
      link.setConditions(conditions);
    }
  }

  #conditions(): LinkConditions {
    const latencyMs = this.#latencyMs;
    return {
      toServer: { latencyMs, blocked: this.#blocked.has('toServer') },
      toClient: { latencyMs, blocked: this.#blocked.has('toClient') },
    };
  }
}

type LinkConditions = Readonly<Record<Direction, PipeConditions>>;

/** One client's connection and the one made to the target for it. */
class Link {
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #toServer: Pipe;
  readonly #toClient: Pipe;

  constructor(client: Socket, targetPort: number, conditions: LinkConditions, maxBufferedBytes: number) {
    this.#client = client;
    this.#target = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    this.#toServer = new Pipe(client, this.#target, conditions.toServer, maxBufferedBytes);
    this.#toClient = new Pipe(this.#target, client, conditions.toClient, maxBufferedBytes);
    // A side that breaks breaks the other: what was a reset for one must not look like an orderly end to the other. An
    // orderly end travels through the pipes, behind the bytes that they still hold.
    client.on('error', () => this.reset());
    this.#target.on('error', () => this.reset());
  }

  setConditions(conditions: LinkConditions): void {
    this.#toServer.setConditions(conditions.toServer);
    this.#toClient.setConditions(conditions.toClient);
  }

  onClosed(listener: () => void): void {
    this.#client.once('close', listener);
  }

  reset(): void {
    this.#toServer.close();
    this.#toClient.close();
    this.#client.resetAndDestroy();
    this.#target.resetAndDestroy();
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
