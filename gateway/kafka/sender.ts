import type { SealedBatch } from '../record-batch/sealed-batch.ts';
import { type AnswerHandler, handleAnswer, handleNoAnswer } from './answers.ts';
import { BrokerLink, type LinkOwner } from './broker-link.ts';
import type { Address } from './connections.ts';
import { describeFailure } from './error-classes.ts';
import type { Lane } from './lane.ts';
import type { KafkaObserver } from './observer.ts';
import { type Passenger, type ProduceAnswer, produceRequest } from './produce-protocol.ts';
import type { Reachability } from './reachability.ts';
import { defaultMaxRequestBytes, type KafkaSettings } from './settings.ts';

/** A broker and the lanes that it leads. */
interface Route {
  readonly link: BrokerLink;
  readonly lanes: Lane[];
  /** Index of the lane that is first in the next request, so that each gets its turn when not all fit. */
  first: number;
}

export interface SenderOptions {
  readonly settings: KafkaSettings;
  readonly observer: KafkaObserver;
  readonly reachability: Reachability;
  readonly answers: AnswerHandler;
  /** The lane of a partition that was sent to. */
  readonly laneOf: (topic: string, partition: number) => Lane | undefined;
  /** All batches of a request have had their answers, or have got none. */
  readonly requestEnded: () => void;
}

/** Timers have whole milliseconds; what is due this soon is due. */
const timerPrecisionMs = 0.5;

/**
 * Decides what is sent when. A lane is due when its first record has waited for the linger and its broker is idle, or
 * when it holds a batch that will not grow any more. As soon as one lane of a broker is due, all that its lanes hold
 * travels in the same Produce request: the brokers handle the requests of a connection one after another, so a second
 * small request would only wait at the other end, while here its batches grow.
 */
export class Sender implements LinkOwner {
  readonly #options: SenderOptions;
  readonly #maxRequestBytes: number;
  /** Time for the broker: shorter than ours, so that its answer, even if it is an error, comes first. */
  readonly #brokerTimeoutMs: number;
  readonly #routes = new Map<number, Route>();
  #leaderless: Lane[] = [];
  #lingerMs: number;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #woken = false;
  #closed = false;

  constructor(options: SenderOptions) {
    const { maxRequestBytes, requestTimeoutMs, lingerMs } = options.settings;
    this.#options = options;
    this.#maxRequestBytes = maxRequestBytes ?? defaultMaxRequestBytes;
    this.#brokerTimeoutMs = Math.max(1, Math.floor(requestTimeoutMs * 0.75));
    this.#lingerMs = lingerMs;
  }

  /** Looks for lanes to send at the end of this turn of the event loop: never inside of an append or a settlement. */
  wake(): void {
    if (this.#woken || this.#closed) return;
    this.#woken = true;
    setImmediate(this.#pump);
  }

  /** A lane has got its first record. */
  opened(lane: Lane): void {
    this.#lookAgainAt(lane.open.openedAtMs + this.#lingerMs);
  }

  /** From now on nothing waits for more. */
  stopLingering(): void {
    this.#lingerMs = 0;
    this.wake();
  }

  /** Takes over who leads what. All lanes, also those without a leader. */
  adopt(brokers: ReadonlyMap<number, Address>, lanes: Iterable<Lane>): void {
    for (const [nodeId, route] of this.#routes) {
      const address = brokers.get(nodeId);
      if (address !== undefined) {
        route.link.setAddress(address);
        route.lanes.length = 0;
      } else {
        // Gone, or fenced because it hangs: what it has not answered, it will hardly answer.
        this.#routes.delete(nodeId);
        route.link.close();
      }
    }
    for (const [nodeId, address] of brokers) {
      if (this.#routes.has(nodeId)) continue;
      const { settings, answers } = this.#options;
      this.#routes.set(nodeId, {
        link: new BrokerLink(nodeId, address, settings, answers, this),
        lanes: [],
        first: 0,
      });
    }
    this.#leaderless = [];
    for (const lane of lanes) (this.#routes.get(lane.leader)?.lanes ?? this.#leaderless).push(lane);
    this.wake();
  }

  /** Connects to every broker that leads a lane, so that the first records need not wait for it. */
  connect(): void {
    for (const { link, lanes } of this.#routes.values()) if (lanes.length > 0) link.connect();
  }

  linkChanged(): void {
    this.wake();
  }

  linkFailed(): void {
    this.#options.answers.refreshMetadata();
    this.wake();
  }

  readonly #pump = (): void => {
    this.#woken = false;
    if (this.#closed) return;
    const now = performance.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const route of this.#routes.values()) nextMs = Math.min(nextMs, this.#pumpRoute(route, now));
    if (this.#leaderless.some((lane) => !lane.isEmpty)) this.#options.answers.refreshMetadata();
    this.#lookAgainAt(nextMs);
  };

  /** Sends what is due. Returns when something else will be, as far as no event tells. */
  #pumpRoute(route: Route, now: number): number {
    const { link, lanes } = route;
    while (link.isReady && link.inFlight < this.#options.settings.maxRequestsInFlightPerBroker) {
      if (now < link.throttledUntilMs) return link.throttledUntilMs;
      const dueAtMs = this.#dueAtMs(route);
      if (dueAtMs > now + timerPrecisionMs) return dueAtMs;
      this.#send(route, now + timerPrecisionMs);
    }
    if (!link.isReady && lanes.some((lane) => !lane.isEmpty)) link.connect();
    return Number.POSITIVE_INFINITY;
  }

  /** When the first lane of the broker is due. */
  #dueAtMs({ link, lanes }: Route): number {
    const lingers = link.inFlight === 0 || this.#lingerMs === 0;
    let earliest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[i] as Lane;
      if (!lane.isReady) continue;
      if (lane.isFull) earliest = Math.min(earliest, lane.retryAtMs);
      else if (lingers) earliest = Math.min(earliest, lane.open.openedAtMs + this.#lingerMs);
    }
    return earliest;
  }

  #send(route: Route, now: number): void {
    const { link, lanes } = route;
    const passengers: Passenger[] = [];
    let bytes = 0;
    const first = route.first % lanes.length;
    for (let i = 0; i < lanes.length; i++) {
      const index = (first + i) % lanes.length;
      const lane = lanes[index] as Lane;
      if (!lane.isReady || lane.retryAtMs > now) continue;
      if (passengers.length > 0 && bytes + lane.nextBytes > this.#maxRequestBytes) {
        route.first = index;
        break;
      }
      const batch = lane.send(this.sealed);
      bytes += batch.bytes.length;
      passengers.push({ lane, batch });
    }
    const startedAtMs = performance.now();
    const request = produceRequest(passengers, this.#brokerTimeoutMs, link.maxProduceVersion);
    link.send(request, (error, answer) => {
      if (this.#closed) return;
      const durationMs = performance.now() - startedAtMs;
      const failure = error === null ? undefined : describeFailure(error);
      this.#options.observer.requestEnded(link.nodeId, passengers.length, bytes, durationMs, failure);
      this.#answered(passengers, startedAtMs, answer, failure ?? 'no answer');
    });
  }

  #answered(
    passengers: readonly Passenger[],
    startedAtMs: number,
    answer: ProduceAnswer | undefined | null,
    failure: string,
  ): void {
    const { answers, reachability, laneOf } = this.#options;
    if (answer === undefined || answer === null) {
      reachability.failure(startedAtMs);
      for (const { lane } of passengers) handleNoAnswer(lane, failure, answers);
    } else {
      reachability.contact(performance.now());
      const byLane = new Map(
        answer.partitions.map((partition) => [laneOf(partition.topic, partition.partition), partition]),
      );
      for (const { lane } of passengers) {
        const partition = byLane.get(lane);
        if (partition === undefined) handleNoAnswer(lane, 'the answer leaves the partition out', answers);
        else handleAnswer(lane, partition, answers);
      }
    }
    this.#options.requestEnded();
    this.wake();
  }

  /** A batch has been sealed; here because it is known per request, and reported per batch. */
  readonly sealed = (lane: Lane, batch: SealedBatch): void => {
    this.#options.observer.batchSealed(lane.topic, batch.records, batch.rawBytes, batch.bytes.length);
    if (!lane.inFlight) this.wake();
  };

  #lookAgainAt(atMs: number): void {
    if (atMs >= this.#timerAtMs || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(this.#onTimer, Math.max(0, atMs - performance.now()));
  }

  readonly #onTimer = (): void => {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#pump();
  };

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { link } of this.#routes.values()) link.close();
    this.#routes.clear();
  }
}
