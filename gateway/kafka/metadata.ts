import { metadataV12, ResponseError } from '@platformatic/kafka';
import { backoffMs } from './backoff.ts';
import type { Address } from './connections.ts';
import type { ControlChannel } from './control-channel.ts';
import { errorName } from './error-classes.ts';
import type { KafkaObserver, KafkaObservers } from './observer.ts';
import { describeRefusal } from './security/access-failure.ts';
import type { AccessWatch } from './security/access-watch.ts';
import type { KafkaSettings } from './settings.ts';

/** The cluster as a broker described it. */
export interface ClusterView {
  readonly brokers: ReadonlyMap<number, Address>;
  /** Topics that exist. */
  readonly topics: ReadonlyMap<string, TopicView>;
}

export interface TopicView {
  /** Tells a topic from an earlier one of the same name; undefined when the broker has no ids. */
  readonly id: string | undefined;
  /** Per partition the node id of its leader, −1 without one. */
  readonly leaders: readonly number[];
}

/** What brokers answer for a topic that the client may not see. */
export const topicRefused = 'TOPIC_AUTHORIZATION_FAILED';
const noId = '00000000-0000-0000-0000-000000000000';

/** Asks once. Errors of single topics and partitions are part of the answer. */
export async function fetchMetadata(
  control: ControlChannel,
  topics: readonly string[],
): Promise<metadataV12.MetadataResponse> {
  try {
    return await control.ask((connection) => metadataV12.api.async(connection, [...topics], false, false));
  } catch (error) {
    // The library's parser throws for a partition without a leader, with the whole answer attached.
    if (error instanceof ResponseError && 'response' in error) return error.response as metadataV12.MetadataResponse;
    throw error;
  }
}

export function viewOf(response: metadataV12.MetadataResponse): ClusterView {
  const topics = new Map<string, TopicView>();
  for (const topic of response.topics) {
    const { name, topicId } = topic;
    if (typeof name !== 'string' || topic.partitions.length === 0) continue;
    const ofTopic: number[] = topic.partitions.map(() => -1);
    for (const { partitionIndex, leaderId } of topic.partitions) {
      if (partitionIndex < ofTopic.length) ofTopic[partitionIndex] = leaderId;
    }
    topics.set(name, { id: topicId === noId ? undefined : topicId, leaders: ofTopic });
  }
  return { brokers: new Map(response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }])), topics };
}

/** Topics that the client may not see, whether they are there or not. */
export const hiddenTopics = ({ topics }: metadataV12.MetadataResponse): string[] =>
  topics.flatMap(({ name, errorCode }) =>
    errorName(errorCode) === topicRefused && typeof name === 'string' ? [name] : [],
  );

/** After this time, what is still asked for is asked of another broker. */
export function patienceMs({ retryBackoffMaxMs }: KafkaSettings): number {
  return 5 * retryBackoffMaxMs;
}

/**
 * Keeps the view of the cluster fresh, off the send path: when it gets old, and soon after `request`. While no broker
 * answers, or the answers are always the same and do not end the requests, it tries on with growing pauses. In the
 * latter case it also asks another broker: one that is cut off from the controller, but not from here, names the old
 * leaders for ever.
 */
export class Metadata {
  readonly #control: ControlChannel;
  readonly #topics: readonly string[];
  readonly #settings: KafkaSettings;
  readonly #observer: KafkaObserver;
  readonly #access: AccessWatch;
  readonly #onView: (view: ClusterView) => void;
  /** Topics as they were shown last. */
  #shown: ReadonlyMap<string, TopicView> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #running = false;
  #wantedMeanwhile = false;
  #requested = false;
  /** Since when every refresh has been requested: the ones before did not mend what is wrong. */
  #fruitlessSinceMs: number | undefined;
  /** Requested refreshes in a row whose answer was the same as the one before. */
  #fruitless = 0;
  #lastView = '';
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #closed = false;

  constructor(
    control: ControlChannel,
    topics: readonly string[],
    settings: KafkaSettings,
    { observer, access }: KafkaObservers,
    onView: (view: ClusterView) => void,
  ) {
    this.#control = control;
    this.#topics = topics;
    this.#settings = settings;
    this.#observer = observer;
    this.#access = access;
    this.#onView = onView;
    this.#scheduleIn(settings.metadataMaxAgeMs);
  }

  /** What was learnt of the cluster before the first refresh. */
  begin({ topics }: ClusterView): void {
    this.#shown = topics;
  }

  /** Something does not fit the view any more. Returns at once; a refresh follows, `retryBackoffMs` after the last or later. */
  request(): void {
    this.#requested = true;
    if (this.#running) {
      // The answer under way may have been composed before whatever changed.
      this.#wantedMeanwhile = true;
      return;
    }
    // While brokers do not answer, the pauses between the attempts are already running.
    if (this.#failures > 0) return;
    const { retryBackoffMs } = this.#settings;
    const pauseMs = Math.max(retryBackoffMs, backoffMs(Math.max(1, this.#fruitless), this.#settings));
    this.#scheduleIn(Math.max(0, this.#lastStartMs + pauseMs - performance.now()));
  }

  #scheduleIn(delayMs: number): void {
    if (this.#closed) return;
    const dueAtMs = performance.now() + delayMs;
    if (dueAtMs >= this.#dueAtMs) return;
    clearTimeout(this.#timer);
    this.#dueAtMs = dueAtMs;
    this.#timer = setTimeout(() => void this.#refresh(), delayMs);
  }

  async #refresh(): Promise<void> {
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#running = true;
    this.#wantedMeanwhile = false;
    this.#lastStartMs = performance.now();
    const requested = this.#requested;
    this.#moveOnFromFruitless();
    let nextInMs = this.#settings.metadataMaxAgeMs;
    try {
      const view = this.#withHidden(await fetchMetadata(this.#control, this.#topics));
      this.#failures = 0;
      this.#fruitless = requested && this.#isSame(view) ? this.#fruitless + 1 : 0;
      if (!this.#closed) this.#adopt(view);
    } catch (error) {
      this.#failures += 1;
      nextInMs = backoffMs(this.#failures, this.#settings);
      if (!this.#closed) this.#observer.metadataFailed(describeRefusal(error), nextInMs);
    }
    this.#running = false;
    this.#scheduleIn(nextInMs);
    if (this.#wantedMeanwhile) this.request();
  }

  /**
   * A topic that the client may not see any more is not gone: it stays as it was shown last, so that its records are
   * offered to its leaders, refused, and kept until somebody grants the permission again.
   */
  #withHidden(response: metadataV12.MetadataResponse): ClusterView {
    const { brokers, topics } = viewOf(response);
    const all = new Map(topics);
    const hidden = hiddenTopics(response);
    for (const name of hidden) {
      this.#access.answered(`metadata of topic ${name}`, topicRefused);
      const before = this.#shown.get(name);
      if (before !== undefined) all.set(name, before);
    }
    if (this.#access.isTroubled) for (const name of topics.keys()) this.#access.succeeded(`metadata of topic ${name}`);
    // Asked until then: readiness waits for it, even if no record does.
    if (hidden.length > 0) this.request();
    this.#shown = all;
    return { brokers, topics: all };
  }

  #moveOnFromFruitless(): void {
    if (this.#requested) {
      this.#fruitlessSinceMs ??= this.#lastStartMs;
      if (this.#lastStartMs - this.#fruitlessSinceMs > patienceMs(this.#settings)) {
        this.#fruitlessSinceMs = this.#lastStartMs;
        this.#control.moveOn();
      }
    } else {
      this.#fruitlessSinceMs = undefined;
    }
    this.#requested = false;
  }

  #isSame({ brokers, topics }: ClusterView): boolean {
    const last = this.#lastView;
    this.#lastView = JSON.stringify([[...brokers], [...topics]]);
    return this.#lastView === last;
  }

  #adopt(view: ClusterView): void {
    const leaders = [...view.topics.values()].flatMap((topic) => topic.leaders);
    this.#observer.metadataRefreshed(view.brokers.size, leaders.length, leaders.filter((leader) => leader < 0).length);
    // No broker at all: an answer of one that is just starting. What was known is more than that.
    if (view.brokers.size === 0) return;
    this.#control.learn([...view.brokers.values()]);
    this.#onView(view);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
