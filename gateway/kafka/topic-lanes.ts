import type { RecordCursor } from '../record-batch/record-cursor.ts';
import type { SealedBatch } from '../record-batch/sealed-batch.ts';
import type { Lane } from './lane.ts';
import type { TopicView } from './metadata.ts';
import { moveRecords } from './move-records.ts';
import type { TopicChange } from './observer.ts';
import { partitionForKey } from './partitioner.ts';

/** Topic ids of which it is remembered that they are gone. */
const maxFormerIds = 100;

/** What a topic needs from the producer. */
export interface TopicOwner {
  readonly newLane: (topic: string, partition: number) => Lane;
  readonly sealed: (lane: Lane, batch: SealedBatch) => void;
  readonly changed: (change: TopicChange) => void;
  /** For so long the cluster may name a topic that was taken for gone before it is believed after all. */
  readonly disbeliefMs: number;
  /** Records that count as pressure take so many bytes more (or less) than before, because they were encoded anew. */
  readonly resized: (bytes: number) => void;
}

/**
 * The lanes of one topic, one per partition, and what becomes of them when the partitions change while records are
 * unsettled. Order per key holds through all of it:
 *
 * - **More partitions.** Keys move, but what is unsettled stays in the lane it is in, because an attempt may have stored
 *   it there. New records go to the lanes of today, behind a barrier that is lifted when everything in front of it is
 *   settled, in all lanes of the topic.
 * - **Another topic of the same name** (another topic id: deleted and created again). Its log is empty, so the same
 *   bytes are taken as they are, whatever their sequence numbers. If the number of partitions is another one, or keys
 *   were just moving, everything unsettled is taken out of the lanes, those records first that were in front of a
 *   barrier, and goes by its key to the lanes of today, in new batches and a new epoch (rule 3 of `Lane`). Until no batch
 *   is in flight any more nothing is sent, so that none is stored before it is moved.
 * - **No topic.** Its records wait, nobody leads its partitions. Kafka may only have heard of it later than others have;
 *   so it is with a partition that a broker does not know.
 *
 * A broker that lags behind may still name an id that is gone, or fewer partitions; neither is believed. Unless nobody
 * names ours any more: then that one was the lagging broker's.
 */
export class TopicLanes {
  readonly name: string;
  /** Lanes of partitions that are gone stay, empty, so that their epochs are never used again. */
  readonly lanes: Lane[] = [];
  /** Since when the cluster does not show the topic, on the clock of `performance.now()`. */
  missingSinceMs: number | undefined;
  /** Since when nobody has named our topic, but one that was taken for gone. */
  contradictedSinceMs: number | undefined;
  /** By how many partitions keys are spread. */
  partitions = 0;
  readonly #owner: TopicOwner;
  readonly #formerIds = new Set<string>();
  #id: string | undefined;
  #unkeyed = 0;
  #barrier = false;
  /** There are more partitions by now; keys move to them when the barrier is lifted. */
  #grownTo: number | undefined;
  /** So many partitions has the topic that took the place of ours; everything moves when nothing is in flight. */
  #movesTo: number | undefined;

  constructor(name: string, owner: TopicOwner) {
    this.name = name;
    this.#owner = owner;
  }

  /** Takes over what the cluster says about the topic; undefined: nothing. */
  adopt(view: TopicView | undefined, nowMs: number): void {
    if (view === undefined) {
      this.#missing(nowMs);
      return;
    }
    if (this.#isOutdated(view, nowMs)) return;
    if (this.missingSinceMs !== undefined) this.#changed('back');
    this.missingSinceMs = undefined;
    const recreated = this.#isRecreated(view);
    this.#remember(view.id);
    const count = view.leaders.length;
    while (this.lanes.length < count) this.lanes.push(this.#owner.newLane(this.name, this.lanes.length));
    if (this.partitions === 0) this.partitions = count;
    else if (recreated) this.#replacedBy(count);
    else if (this.#movesTo !== undefined) this.#movesTo = Math.max(this.#movesTo, count);
    else if (count > this.partitions) this.#growTo(count);
    this.#lead(view.leaders, recreated);
    for (const lane of this.lanes) lane.held = this.#movesTo !== undefined;
    this.step();
  }

  /** A broker does not know the partition that it should lead: until the cluster has been asked, nothing is sent. */
  doubt(): void {
    for (const lane of this.lanes) lane.leader = -1;
  }

  /** Goes on with a change that waits for batches to be answered. Cheap when there is none. */
  step(): void {
    if (this.#movesTo !== undefined) {
      if (!this.lanes.some(({ inFlight }) => inFlight)) this.#move(this.#movesTo);
    } else if (this.#barrier && !this.lanes.some(({ queue }) => queue.hasAhead)) {
      for (const lane of this.lanes) lane.queue.liftBarrier();
      this.#barrier = false;
      const grownTo = this.#grownTo;
      this.#grownTo = undefined;
      if (grownTo !== undefined) this.#growTo(grownTo);
    }
  }

  forKey(key: Uint8Array, keyLength: number): Lane {
    return this.lanes[partitionForKey(key, keyLength, this.partitions)] as Lane;
  }

  /** Records without a key fill one batch after the other, round the partitions that have a leader. */
  forUnkeyed(): Lane {
    const current = this.lanes[this.#unkeyed % this.partitions] as Lane;
    if (current.open.records > 0) return current;
    for (let step = 1; step <= this.partitions; step++) {
      const index = (this.#unkeyed + step) % this.partitions;
      const lane = this.lanes[index] as Lane;
      if (lane.leader >= 0) {
        this.#unkeyed = index;
        return lane;
      }
    }
    return current;
  }

  #missing(nowMs: number): void {
    this.doubt();
    if (this.missingSinceMs !== undefined) return;
    this.missingSinceMs = nowMs;
    this.#changed('missing');
  }

  #isOutdated({ id }: TopicView, nowMs: number): boolean {
    if (id !== undefined && this.#formerIds.has(id)) {
      this.contradictedSinceMs ??= nowMs;
      if (nowMs - this.contradictedSinceMs < this.#owner.disbeliefMs) return true;
    }
    this.contradictedSinceMs = undefined;
    return false;
  }

  /** Without ids, as with brokers before 2.8, fewer partitions tell, as a topic cannot lose any. */
  #isRecreated({ id, leaders }: TopicView): boolean {
    if (id === undefined || this.#id === undefined) return id === this.#id && leaders.length < this.partitions;
    return id !== this.#id;
  }

  #remember(id: string | undefined): void {
    if (id === undefined || id === this.#id) return;
    if (this.#id !== undefined) this.#formerIds.add(this.#id);
    this.#formerIds.delete(id);
    const [oldest] = this.#formerIds;
    if (this.#formerIds.size > maxFormerIds && oldest !== undefined) this.#formerIds.delete(oldest);
    this.#id = id;
  }

  #replacedBy(count: number): void {
    const moves = count !== this.partitions || this.#barrier;
    this.#movesTo = moves ? count : undefined;
    this.#grownTo = undefined;
    if (!moves) this.#changed('recreated');
  }

  #growTo(count: number): void {
    if (this.#barrier) {
      this.#grownTo = count;
      return;
    }
    this.partitions = count;
    this.#barrier = true;
    for (const lane of this.lanes) lane.raiseBarrier(this.#owner.sealed);
    this.#changed('grown');
    this.step();
  }

  #lead(leaders: readonly number[], recreated: boolean): void {
    for (const lane of this.lanes) {
      const leader = leaders[lane.partition] ?? (recreated ? -1 : lane.leader);
      // Whatever the pause was for, another broker has not been asked yet.
      if (leader !== lane.leader && leader >= 0) lane.retryAtMs = 0;
      lane.leader = leader;
      lane.topicId = this.#id;
    }
  }

  #move(count: number): void {
    const possibleDuplicates = this.lanes.reduce((sum, lane) => sum + lane.queue.possibleDuplicates, 0);
    const taken = this.lanes.map((lane) => lane.takeAll(this.#owner.sealed));
    this.partitions = count;
    this.#movesTo = undefined;
    this.#barrier = false;
    const batches = [...taken.flatMap(({ ahead }) => ahead), ...taken.flatMap(({ behind }) => behind)];
    const laneFor = ({ source, keyAt, keyLength }: RecordCursor): Lane =>
      keyLength === 0 ? this.forUnkeyed() : this.forKey(source.subarray(keyAt), keyLength);
    const { records, resizedBytes } = moveRecords(batches, laneFor, this.#owner.sealed);
    for (const lane of this.lanes) {
      lane.seal(this.#owner.sealed);
      lane.held = false;
    }
    this.#changed('recreated', records, possibleDuplicates);
    // At the end: whoever is told that the pressure falls may append at once.
    this.#owner.resized(resizedBytes);
  }

  #changed(kind: TopicChange['kind'], movedRecords = 0, possibleDuplicates = 0): void {
    const { name: topic, partitions } = this;
    this.#owner.changed({ topic, kind, partitions, movedRecords, possibleDuplicates });
  }
}
