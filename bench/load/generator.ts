import { setTimeout as delay } from 'node:timers/promises';
import type protobuf from 'protobufjs';
import type { ResourceReading, ResourceUse } from '../measure/resources.ts';
import { resourcesBetween } from '../measure/resources.ts';
import { type ConnectionListener, LoadConnection } from './connection.ts';
import { framesOf } from './fleet.ts';
import { device } from './frames.ts';
import { Latencies, type Percentiles } from './latencies.ts';
import { ClosedLoop, OpenLoop, type Pacer } from './pacer.ts';

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  /** Publishes that one connection may have unacknowledged. */
  readonly inFlight: number;
  /** One per load process: with it every event of the run has an id of its own. */
  readonly bootId: number;
}

export interface WindowOptions {
  /** Load before the window; nothing of it counts. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What was seen in one measured window. */
export interface LoadResult {
  readonly windowMs: number;
  /** PUBACKs that arrived in the window. */
  readonly acknowledged: number;
  /** PUBACKs since the connections were made: what must be on Kafka at least. */
  readonly acknowledgedTotal: number;
  /** Published and never acknowledged, within the deadline. */
  readonly unacknowledged: number;
  readonly latency: Percentiles;
  readonly resources: ResourceUse;
}

/** How long the server may take over what is in flight when the load stops. */
const drainDeadlineMs = 15_000;
/** How many connections are being made at a time; more would overflow the queue of a listener. */
const connectingAtATime = 50;

/**
 * The load: MQTT clients that publish telemetry with QoS 1, saturating or at a fixed rate. The first connection that
 * fails, and the first PUBACK for something that is not outstanding, fails the run.
 */
export class LoadGenerator implements ConnectionListener {
  readonly #type: protobuf.Type;
  readonly #readResources: () => ResourceReading;
  readonly #connections: LoadConnection[] = [];
  readonly #latencies = new Latencies();
  readonly #failure = Promise.withResolvers<never>();
  #pacer: Pacer | undefined;
  #acknowledgedBefore = 0;

  constructor(type: protobuf.Type, readResources: () => ResourceReading) {
    this.#type = type;
    this.#readResources = readResources;
    // A failure outside of a run is reported by the next one.
    this.#failure.promise.catch(() => undefined);
  }

  /** Connects devices 0 to `connections` - 1. */
  async connect({ host, port, connections, inFlight, bootId }: ConnectOptions): Promise<void> {
    for (let first = 0; first < connections; first += connectingAtATime) {
      const count = Math.min(connectingAtATime, connections - first);
      const made = Array.from({ length: count }, (_, offset) => {
        const index = first + offset;
        const connection = new LoadConnection(framesOf(this.#type, index, inFlight, bootId), this);
        this.#connections.push(connection);
        return connection.connect(host, port, device(index));
      });
      await Promise.all(made);
    }
  }

  /** Closed loop: every connection keeps all its publishes in flight. */
  saturate(window: WindowOptions): Promise<LoadResult> {
    return this.#run(new ClosedLoop(this.#connections, this.#latencies), window);
  }

  /** Open loop at a fixed rate over all connections. */
  pace(ratePerSecond: number, window: WindowOptions): Promise<LoadResult> {
    return this.#run(new OpenLoop(this.#connections, this.#latencies, ratePerSecond), window);
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
    this.#connections.length = 0;
  }

  acknowledged(connection: LoadConnection, intendedAtMs: number, nowMs: number): void {
    this.#pacer?.acknowledged(connection, intendedAtMs, nowMs);
  }

  failed(_connection: LoadConnection, error: Error): void {
    this.#failure.reject(error);
  }

  async #run(pacer: Pacer, { warmUpMs, measureMs }: WindowOptions): Promise<LoadResult> {
    this.#pacer = pacer;
    this.#latencies.reset();
    pacer.start();
    try {
      await this.#unlessFailed(delay(warmUpMs));
      const before = this.#readResources();
      const fromMs = performance.now();
      const acknowledgedAtOpening = pacer.acknowledgedTotal;
      pacer.openWindow();
      await this.#unlessFailed(delay(measureMs));
      const after = this.#readResources();
      const windowMs = performance.now() - fromMs;
      const acknowledged = pacer.acknowledgedTotal - acknowledgedAtOpening;
      pacer.closeWindow();
      pacer.stop();
      await this.#unlessFailed(this.#drain(pacer));
      this.#acknowledgedBefore += pacer.acknowledgedTotal;
      return {
        windowMs,
        acknowledged,
        acknowledgedTotal: this.#acknowledgedBefore,
        unacknowledged: pacer.unacknowledged(),
        latency: this.#latencies.percentiles(),
        resources: resourcesBetween(before, after, windowMs),
      };
    } finally {
      pacer.stop();
    }
  }

  async #drain(pacer: Pacer): Promise<void> {
    const deadline = performance.now() + drainDeadlineMs;
    while (pacer.unacknowledged() > 0 && performance.now() < deadline) await delay(10);
  }

  #unlessFailed<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#failure.promise]);
  }
}
