import { type Cluster, readCommitted } from '../record-log/cluster.ts';
import { RecordLogError } from '../record-log/errors.ts';
import { offsetsOf } from '../record-log/offsets.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly maxLatenessMs: number | undefined;
}

/** Offsets by partition, as an object so that they can be written to a file. */
export type Offsets = Readonly<Record<string, number>>;

/**
 * Between which offsets all records of a span of time lie.
 *
 * Record timestamps are event times, and they do not rise with the offsets: a late upload lies behind newer records. What
 * Kafka's offsets for times promise holds all the same for the beginning: everything before the first record that is not
 * older than `fromMs` is older. For the end there is no such offset: a record of the span may be the last one of its
 * partition. So reading ends where the partition ends now, unless it is known how late records can be.
 */
export async function offsetsOfSpan(
  cluster: Cluster,
  topic: string,
  { fromMs, toMs, maxLatenessMs }: Span,
): Promise<{ starts: Offsets; ends: Offsets }> {
  const ends = await offsetsOf(cluster, topic, 'latest');
  const starts = await offsetsOf(cluster, topic, { timeMs: fromMs });
  const late =
    maxLatenessMs === undefined
      ? undefined
      : await offsetsOf(cluster, topic, { timeMs: toMs + maxLatenessMs }, readCommitted);
  const bounded = [...ends].map(([partition, end]): [number, number] => [
    partition,
    Math.min(end, late?.get(partition) ?? end),
  ]);
  return {
    starts: asObject(bounded.map(([partition, end]) => [partition, Math.min(end, starts.get(partition) ?? end)])),
    ends: asObject(bounded),
  };
}

export const asObject = (offsets: Iterable<readonly [number, number]>): Offsets => Object.fromEntries(offsets);

export const asMap = (offsets: Offsets): Map<number, number> =>
  new Map(Object.entries(offsets).map(([partition, offset]) => [Number(partition), offset]));

/** The id of a topic, which a later one of the same name does not have. */
export async function topicIdOf(cluster: Cluster, topic: string): Promise<string> {
  const [first] = await cluster.locate(topic);
  if (first === undefined) throw new RecordLogError('topic_missing', `Kafka has no topic ${topic}`);
  return first.topicId;
}
