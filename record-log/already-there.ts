import { setTimeout as delay } from 'node:timers/promises';
import { type Cluster, readUncommitted } from './cluster.ts';
import { LogReader } from './log-reader.ts';
import { offsetsOf } from './offsets.ts';
import type { LogRecord } from './record-batch.ts';
import { recordsIn } from './records-in.ts';

const settlePauseMs = 500;
const mostPauses = 20;

/**
 * What lies behind given offsets of a topic, so that what a killed command has written is not written again. Counts by a
 * name that a record and its copy share: the same record may have been there twice from the start.
 */
export class AlreadyThere {
  readonly #counts = new Map<string, number>();

  /**
   * Reads on to the end of the topic.
   *
   * @param from by partition; those that are not named are read from their beginning.
   * @param ends where to stop; default: the end of the topic.
   * @param nameOf undefined: no copy.
   */
  async read(
    cluster: Cluster,
    topic: string,
    from: ReadonlyMap<number, number>,
    nameOf: (record: LogRecord) => string | undefined,
    ends?: ReadonlyMap<number, number>,
  ): Promise<void> {
    const reach = ends ?? (await quietEnds(cluster, topic));
    const ranges = new Map([...reach].map(([partition, end]) => [partition, { from: from.get(partition) ?? 0, end }]));
    for await (const batch of new LogReader({ cluster, topic, ranges, isolation: readUncommitted }).batches()) {
      for (const record of recordsIn(topic, batch)) {
        const name = nameOf(record);
        if (name !== undefined) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
      }
    }
  }

  /** Whether there is one more of this name; it counts as found. */
  take(name: string): boolean {
    const left = this.#counts.get(name) ?? 0;
    if (left === 0) return false;
    if (left === 1) this.#counts.delete(name);
    else this.#counts.set(name, left - 1);
    return true;
  }

  has(name: string): boolean {
    return this.#counts.has(name);
  }

  /** Whether everything that was there has been found. */
  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }
}

/**
 * The ends of a topic, once they stand still: the last requests of a process that was just killed may still be on their
 * way to the brokers, or from one broker to the others. Where others write all the time, they never do.
 */
export async function quietEnds(cluster: Cluster, topic: string): Promise<Map<number, number>> {
  let ends = await offsetsOf(cluster, topic, 'latest', readUncommitted);
  for (let pause = 0; pause < mostPauses; pause++) {
    await delay(settlePauseMs);
    const later = await offsetsOf(cluster, topic, 'latest', readUncommitted);
    if ([...later].every(([partition, end]) => ends.get(partition) === end)) return later;
    ends = later;
  }
  return ends;
}
