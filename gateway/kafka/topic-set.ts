import type { Lane } from './lane.ts';
import type { ClusterView } from './metadata.ts';
import { TopicLanes, type TopicOwner } from './topic-lanes.ts';

/** The topics that records may go to, with their lanes. */
export class TopicSet {
  readonly #topics = new Map<string, TopicLanes>();
  readonly #owner: TopicOwner;

  constructor(owner: TopicOwner) {
    this.#owner = owner;
  }

  add(name: string): void {
    this.#topics.set(name, new TopicLanes(name, this.#owner));
  }

  get(name: string): TopicLanes | undefined {
    return this.#topics.get(name);
  }

  /** All lanes, those included whose partitions are gone. */
  *lanes(): Generator<Lane> {
    for (const topic of this.#topics.values()) yield* topic.lanes;
  }

  /** By how many partitions keys are spread, over all topics. */
  get partitions(): number {
    return [...this.#topics.values()].reduce((sum, { partitions }) => sum + partitions, 0);
  }

  adopt(view: ClusterView): void {
    const nowMs = performance.now();
    for (const [name, topic] of this.#topics) topic.adopt(view.topics.get(name), nowMs);
  }

  /** Goes on with changes of topics that wait for batches to be answered. */
  step(): void {
    for (const topic of this.#topics.values()) topic.step();
  }

  /** A topic is missing, or brokers disagree about which one it is: the cluster has to be asked until that has ended. */
  get isUnclear(): boolean {
    return [...this.#topics.values()].some(
      ({ missingSinceMs, contradictedSinceMs }) => missingSinceMs !== undefined || contradictedSinceMs !== undefined,
    );
  }

  /** Names of the topics that the cluster has not shown since before `sinceMs`, on the clock of `performance.now()`. */
  missingSince(sinceMs: number): string[] {
    return [...this.#topics.values()].flatMap(({ name, missingSinceMs = sinceMs }) =>
      missingSinceMs < sinceMs ? [name] : [],
    );
  }
}
