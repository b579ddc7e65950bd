import type { LoadConnection } from './connection.ts';
import type { Latencies } from './latencies.ts';

/** Decides when each connection publishes. */
export interface Pacer {
  /** Everything acknowledged since `start`. */
  readonly acknowledgedTotal: number;
  /** Begins to publish; `latencies` receives what belongs to a measured window. */
  start(): void;
  /** From now on publishes count; their latencies are recorded. */
  openWindow(): void;
  closeWindow(): void;
  /** Publishes nothing any more, except what is already due; the second time not even that. */
  stop(): void;
  /** Published, or due to be, and not acknowledged. */
  unacknowledged(): number;
  acknowledged(connection: LoadConnection, intendedAtMs: number, nowMs: number): void;
}

const unacknowledgedOf = (connections: readonly LoadConnection[]): number =>
  connections.reduce((sum, connection) => sum + connection.unacknowledged, 0);

const wallClockMs = (nowMs: number): number => Math.floor(performance.timeOrigin + nowMs);

/** Saturation: every connection keeps all of its slots in flight; each PUBACK causes the next publish at once. */
export class ClosedLoop implements Pacer {
  acknowledgedTotal = 0;
  readonly #connections: readonly LoadConnection[];
  readonly #latencies: Latencies;
  #publishing = false;
  #recording = false;

  constructor(connections: readonly LoadConnection[], latencies: Latencies) {
    this.#connections = connections;
    this.#latencies = latencies;
  }

  start(): void {
    this.#publishing = true;
    const nowMs = performance.now();
    for (const connection of this.#connections) {
      while (connection.freeSlots > 0) connection.publish(nowMs, wallClockMs(nowMs));
    }
  }

  openWindow(): void {
    this.#recording = true;
  }

  closeWindow(): void {
    this.#recording = false;
  }

  stop(): void {
    this.#publishing = false;
  }

  unacknowledged(): number {
    return unacknowledgedOf(this.#connections);
  }

  acknowledged(connection: LoadConnection, intendedAtMs: number, nowMs: number): void {
    this.acknowledgedTotal += 1;
    if (this.#recording) this.#latencies.record(nowMs - intendedAtMs);
    if (this.#publishing) connection.publish(nowMs, wallClockMs(nowMs));
  }
}

/**
 * A fixed rate over all connections in turn, whatever the server does. Latency counts from the time at which a publish
 * was due, also when it had to wait for a free slot or the load generator was late: no coordinated omission. The event
 * time is that time, too, so that a consumer behind Kafka can count from it.
 */
export class OpenLoop implements Pacer {
  acknowledgedTotal = 0;
  readonly #connections: readonly LoadConnection[];
  readonly #latencies: Latencies;
  readonly #intervalMs: number;
  /** Due publishes of connections that have no free slot, oldest first. */
  readonly #waiting = new Map<LoadConnection, number[]>();
  #waitingTotal = 0;
  #startedAtMs = 0;
  #published = 0;
  #windowFromMs = Number.POSITIVE_INFINITY;
  #windowToMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(connections: readonly LoadConnection[], latencies: Latencies, ratePerSecond: number) {
    this.#connections = connections;
    this.#latencies = latencies;
    this.#intervalMs = 1000 / ratePerSecond;
  }

  start(): void {
    this.#startedAtMs = performance.now();
    this.#timer = setInterval(() => this.#publishDue(), 1);
  }

  openWindow(): void {
    this.#windowFromMs = performance.now();
  }

  closeWindow(): void {
    this.#windowToMs = performance.now();
  }

  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#publishDue();
  }

  unacknowledged(): number {
    return unacknowledgedOf(this.#connections) + this.#waitingTotal;
  }

  acknowledged(connection: LoadConnection, intendedAtMs: number, nowMs: number): void {
    this.acknowledgedTotal += 1;
    // By the time at which it was due: a slow answer counts although it arrives after the window.
    if (intendedAtMs >= this.#windowFromMs && intendedAtMs < this.#windowToMs) {
      this.#latencies.record(nowMs - intendedAtMs);
    }
    if (this.#waitingTotal > 0) this.#publishWaiting(connection);
  }

  #publishDue(): void {
    const nowMs = performance.now();
    const due = Math.floor((nowMs - this.#startedAtMs) / this.#intervalMs);
    for (; this.#published < due; this.#published++) {
      const connection = this.#connections[this.#published % this.#connections.length] as LoadConnection;
      const intendedAtMs = this.#startedAtMs + this.#published * this.#intervalMs;
      if (connection.freeSlots > 0) connection.publish(intendedAtMs, wallClockMs(intendedAtMs));
      else this.#wait(connection, intendedAtMs);
    }
  }

  #wait(connection: LoadConnection, intendedAtMs: number): void {
    const queue = this.#waiting.get(connection);
    if (queue === undefined) this.#waiting.set(connection, [intendedAtMs]);
    else queue.push(intendedAtMs);
    this.#waitingTotal += 1;
  }

  #publishWaiting(connection: LoadConnection): void {
    const intendedAtMs = this.#waiting.get(connection)?.shift();
    if (intendedAtMs === undefined) return;
    this.#waitingTotal -= 1;
    connection.publish(intendedAtMs, wallClockMs(intendedAtMs));
  }
}
