import type { BufferPool } from '../record-batch/buffer-pool.ts';
import type { ProducerIdentity } from '../record-batch/sealed-batch.ts';
import { Lane } from './lane.ts';
import { partitionForKey } from './partitioner.ts';

/** The lanes of one topic, one per partition. */
export class TopicLanes {
  readonly name: string;
  readonly lanes: Lane[] = [];
  /** What the cluster says; lanes of partitions that are gone keep what they hold. */
  #partitions = 0;
  #unkeyed = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Takes over the leaders of all partitions. A partition that is not named has none. */
  adopt(leaders: readonly number[], newLane: (partition: number) => Lane): void {
    while (this.lanes.length < leaders.length) this.lanes.push(newLane(this.lanes.length));
    // A topic that is gone for a moment keeps its partitions, so that keys stay where they are.
    if (leaders.length > 0) this.#partitions = leaders.length;
    for (const lane of this.lanes) {
      const leader = leaders[lane.partition] ?? -1;
      // Whatever the pause was for, another broker has not been asked yet.
      if (leader !== lane.leader && leader >= 0) lane.retryAtMs = 0;
      lane.leader = leader;
    }
  }

  forKey(key: Uint8Array, keyLength: number): Lane {
    return this.lanes[partitionForKey(key, keyLength, this.#partitions)] as Lane;
  }

  /** Records without a key fill one batch after the other, round the partitions that have a leader. */
  forUnkeyed(): Lane {
    const current = this.lanes[this.#unkeyed] as Lane;
    if (current.open.records > 0) return current;
    for (let step = 1; step <= this.#partitions; step++) {
      const index = (this.#unkeyed + step) % this.#partitions;
      const lane = this.lanes[index] as Lane;
      if (lane.leader >= 0) {
        this.#unkeyed = index;
        return lane;
      }
    }
    return current;
  }
}

/** Makes the lanes of new partitions alike. */
export function laneFactory(topic: string, identity: ProducerIdentity, pool: BufferPool, maxRecords: number) {
  return (partition: number): Lane => new Lane(topic, partition, identity, pool, maxRecords);
}
