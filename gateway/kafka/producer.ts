import type { Account } from '../core/account.ts';
import { unanswered } from '../core/outcome.ts';
import type { Settleable } from '../core/publish.ts';
import type { HeldBatch, Pressure, RecordEncoder, RecordHolder, RecordSink } from '../core/record-sink.ts';
import { Watermarks } from '../core/watermarks.ts';
import { BufferPool } from '../record-batch/buffer-pool.ts';
import { KeyBytes } from '../record-batch/key-bytes.ts';
import type { ProducerIdentity, SealedBatch } from '../record-batch/sealed-batch.ts';
import { ControlChannel } from './control-channel.ts';
import { KafkaError } from './errors.ts';
import { accountsOf, type Holdings, heldRecordsOf, type ProducerStats, statsOf } from './figures.ts';
import { Lane } from './lane.ts';
import { type ClusterView, Metadata, patienceMs } from './metadata.ts';
import type { KafkaObserver } from './observer.ts';
import { ProducerIds } from './producer-id.ts';
import { Reachability } from './reachability.ts';
import { AccessWatch } from './security/access-watch.ts';
import { Sender } from './sender.ts';
import type { KafkaSettings } from './settings.ts';
import { Settling } from './settling.ts';
import { startUp } from './start-up.ts';
import type { TopicOwner } from './topic-lanes.ts';
import { TopicSet } from './topic-set.ts';

export interface ProducerOptions extends KafkaSettings {
  /** All topics that records will be appended to. */
  readonly topics: readonly string[];
  readonly observer: KafkaObserver;
  /** Told where Kafka does not let the producer in; one of whoever outlives it. */
  readonly access?: AccessWatch;
}

/** Buffers that are kept for reuse while no batch needs them. */
const maxFreeBufferBytes = 16 * 1024 * 1024;

/**
 * Writes records to Kafka with acks=all, idempotently, in the order of their append within each key. Records that
 * Kafka cannot take yet are kept and sent again for as long as it takes (rule 2); only `drain` and `close` give up.
 */
export class Producer implements RecordSink, RecordHolder {
  readonly #settings: KafkaSettings;
  readonly #observer: KafkaObserver;
  readonly #topics: TopicSet;
  readonly #pool: BufferPool;
  readonly #watermarks: Watermarks;
  readonly #control: ControlChannel;
  readonly #reachability = new Reachability();
  readonly #access: AccessWatch;
  readonly #metadata: Metadata;
  readonly #producerIds: ProducerIds;
  readonly #sender: Sender;
  readonly #key = new KeyBytes();
  readonly #settling: Settling;
  #identity: ProducerIdentity | undefined;
  #onPressure: (level: Pressure) => void = () => undefined;
  #onEmpty: () => void = () => undefined;
  #ended = false;
  #appended = 0;
  /** Records that came after the end and are about to be settled. */
  #late = 0;
  #handedOver = 0;

  /**
   * Connects, makes sure of the topics, and gets a producer id.
   *
   * @throws {KafkaError} when no broker answers within `startTimeoutMs`, a topic is missing or cannot work, or settings
   * contradict each other. What has been opened until then is closed.
   */
  static async start(options: ProducerOptions): Promise<Producer> {
    const producer = new Producer(options);
    try {
      await producer.#start(options.topics);
      return producer;
    } catch (error) {
      await producer.close();
      throw error;
    }
  }

  private constructor(options: ProducerOptions) {
    const { observer, maxBatchBytes, maxBatchRecords } = options;
    this.#settings = options;
    this.#observer = observer;
    this.#access = options.access ?? new AccessWatch((where, failure) => observer.accessRefused(where, failure));
    this.#settling = new Settling(observer);
    this.#pool = new BufferPool(maxBatchBytes, maxFreeBufferBytes);
    this.#watermarks = new Watermarks(options, (level) => {
      observer.pressureChanged(level, this.#watermarks.records, this.#watermarks.bytes);
      this.#onPressure(level);
    });
    const { softRecords, hardRecords, softBytes, hardBytes } = options;
    if (!(softRecords < hardRecords && softBytes < hardBytes)) {
      throw new KafkaError('invalid_settings', 'softRecords and softBytes must be less than hardRecords and hardBytes');
    }
    if (!(maxBatchRecords >= 1)) throw new KafkaError('invalid_settings', 'maxBatchRecords must be at least 1');
    this.#control = new ControlChannel(options, this.#reachability, this.#access);
    const observers = { observer, access: this.#access };
    this.#metadata = new Metadata(this.#control, options.topics, options, observers, (view) => this.#adopt(view));
    this.#producerIds = new ProducerIds(this.#control, options, observers, (identity) => this.#useIdentity(identity));
    this.#sender = new Sender({
      settings: options,
      observer,
      reachability: this.#reachability,
      laneOf: (topic, partition) => this.#topics.get(topic)?.lanes[partition],
      requestEnded: () => this.#topics.step(),
      answers: {
        settings: options,
        ...observers,
        settling: this.#settling,
        settled: (records, rawBytes, handedOver) => this.#settled(records, rawBytes, handedOver),
        refreshMetadata: () => this.#metadata.request(),
        topicDoubted: (topic) => this.#topics.get(topic)?.doubt(),
        requestProducerId: () => this.#producerIds.request(),
      },
    });
    this.#topics = new TopicSet(this.#topicOwner());
  }

  async #start(topics: readonly string[]): Promise<void> {
    const { view, identity } = await startUp(this.#control, topics, this.#settings, {
      observer: this.#observer,
      access: this.#access,
    });
    this.#metadata.begin(view);
    this.#identity = identity;
    for (const topic of topics) this.#topics.add(topic);
    this.#control.learn([...view.brokers.values()]);
    this.#adopt(view);
    this.#sender.connect();
  }

  #topicOwner(): TopicOwner {
    const { maxBatchRecords } = this.#settings;
    return {
      newLane: (topic, partition) => new Lane(topic, partition, this.#identity, this.#pool, maxBatchRecords),
      sealed: this.#sender.sealed,
      // So that two other brokers have been asked.
      disbeliefMs: 3 * patienceMs(this.#settings),
      resized: (bytes) => this.#watermarks.remove(0, -bytes),
      changed: (change) => {
        this.#observer.topicChanged(change);
        if ([...this.#topics.lanes()].some(({ needsIdentity }) => needsIdentity)) this.#producerIds.request();
      },
    };
  }

  #adopt(view: ClusterView): void {
    this.#topics.adopt(view);
    this.#sender.adopt(view.brokers, this.#topics.lanes());
    // Asked until then: readiness waits for it, even if no record does.
    if (this.#topics.isUnclear) this.#metadata.request();
  }

  #useIdentity(identity: ProducerIdentity): void {
    this.#identity = identity;
    for (const lane of this.#topics.lanes()) if (lane.needsIdentity) lane.useIdentity(identity);
    this.#sender.wake();
  }

  append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    const keyLength = this.#key.encode(key);
    return this.appendKeyed(topic, this.#key.bytes, keyLength, timestampMs, encoder, event, settleable);
  }

  /**
   * `append` for a key that is bytes already, whatever they mean.
   *
   * @param keyLength how many of `keyBytes` are the key; 0: no key, any partition. `emptyKey`: a key without bytes.
   */
  appendKeyed<Event>(
    topic: string,
    keyBytes: Uint8Array,
    keyLength: number,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    const lanes = this.#topics.get(topic);
    if (lanes === undefined) throw new KafkaError('topic_not_configured', `not started for topic "${topic}"`);
    if (this.#ended) {
      this.#refuseLate(settleable);
      return true;
    }
    const lane = keyLength === 0 ? lanes.forUnkeyed() : lanes.forKey(keyBytes, keyLength);
    const sealed = this.#sender.sealed;
    const bytes = lane.append(keyBytes, keyLength, timestampMs, encoder, event, settleable, sealed);
    if (bytes < 0) return false;
    this.#appended += 1;
    if (lane.open.records === 1) this.#sender.opened(lane);
    if (lane.open.records === this.#settings.maxBatchRecords) this.#sender.wake();
    this.#watermarks.add(bytes);
    return true;
  }

  #refuseLate(settleable: Settleable): void {
    this.#appended += 1;
    this.#late += 1;
    setImmediate(() => {
      this.#late -= 1;
      this.#settling.tell([settleable], unanswered);
    });
  }

  #settled(records: number, rawBytes: number, handedOver: boolean): void {
    if (handedOver) this.#handedOver -= records;
    else this.#watermarks.remove(records, rawBytes);
    if (this.#watermarks.records === 0) this.#onEmpty();
  }

  get handedOver(): number {
    return this.#handedOver;
  }

  handOver(take: (batch: HeldBatch) => readonly Settleable[]): void {
    let records = 0;
    let rawBytes = 0;
    try {
      const handedOver = (batch: SealedBatch) => {
        records += batch.records;
        rawBytes += batch.rawBytes;
      };
      for (const lane of this.#topics.lanes()) lane.seal(this.#sender.sealed);
      // While keys move, a key has records in two lanes: those in front of the barrier are the older ones.
      for (const lane of this.#topics.lanes()) lane.handOver('ahead', take, handedOver);
      for (const lane of this.#topics.lanes()) lane.handOver('behind', take, handedOver);
    } finally {
      // At the end: whoever is told that the pressure falls may append at once.
      this.#handedOver += records;
      this.#watermarks.remove(records, rawBytes);
      if (this.#watermarks.records === 0) this.#onEmpty();
    }
  }

  /** How full the gateway is, over everything unsettled. */
  get pressure(): Pressure {
    return this.#watermarks.level;
  }

  /** Sets who is told when the pressure changes; at once, also from inside of `append`. */
  onPressure(listener: (level: Pressure) => void): void {
    this.#onPressure = listener;
  }

  /** False when no broker has answered for longer than `unreachableAfterMs`. */
  isReachable(): boolean {
    return this.#reachability.isReachable(performance.now(), this.#settings.unreachableAfterMs);
  }

  /** Topics that the cluster has not shown for longer than `unreachableAfterMs`. */
  missingTopics(): string[] {
    return this.#topics.missingSince(performance.now() - this.#settings.unreachableAfterMs);
  }

  /** Records that wait for an outcome, counted where they lie. */
  get heldRecords(): number {
    return heldRecordsOf(this.#holdings);
  }

  /** The producer's accounts, for the self-check of rule 7; not to be read from inside of a settlement. */
  accounts(): Account[] {
    return accountsOf(this.#holdings);
  }

  stats(): ProducerStats {
    return statsOf(this.#holdings);
  }

  get #holdings(): Holdings {
    return {
      topics: this.#topics,
      watermarks: this.#watermarks,
      pool: this.#pool,
      appended: this.#appended,
      told: this.#settling.told,
      handedOver: this.#handedOver,
      late: this.#late,
    };
  }

  /**
   * Sends what there is without lingering, until everything is settled or the time is over; then settles the rest as
   * unanswered. Afterwards records are no longer taken: they are settled as unanswered, too. Records that were handed
   * over are not waited for, as somebody else answers for them.
   *
   * @returns how many records were left, handed over ones aside.
   */
  async drain(deadlineMs: number): Promise<number> {
    this.#sender.stopLingering();
    if (this.#watermarks.records > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadlineMs);
        this.#onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#end();
  }

  /** Settles what is left as unanswered and closes all connections. */
  async close(): Promise<void> {
    this.#end();
    this.#metadata.close();
    this.#producerIds.close();
    this.#control.close();
  }

  #end(): number {
    if (this.#ended) return 0;
    this.#ended = true;
    this.#sender.close();
    const left = this.#watermarks.records;
    if (left > 0) this.#observer.abandoned(left);
    for (const lane of this.#topics.lanes()) this.#settling.tell(lane.abandon(), unanswered);
    this.#handedOver = 0;
    this.#watermarks.remove(left, this.#watermarks.bytes);
    return left;
  }
}
