import { type Connection, metadataV12, ResponseError } from '@platformatic/kafka';
import { waitFor } from '../../deploy/local/wait-for.ts';
import { askAnyBroker, askBroker } from './ask-broker.ts';

/** Where one partition lives, as one broker sees it. */
export interface PartitionState {
  readonly partition: number;
  /** Node id; -1 when nobody leads it. */
  readonly leader: number;
  /** Assigned node ids; the first one is the preferred leader. */
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

/** Short: a broker that hangs is asked over and over. */
const LOOK_TIMEOUT_MS = 2000;

/**
 * Where the partitions of `topic` live, in their order, as the first broker that answers sees it; empty when it does not
 * know the topic. A broker that has just come back may not have caught up.
 */
export async function describePartitions(bootstrap: readonly string[], topic: string): Promise<PartitionState[]> {
  return askAnyBroker(bootstrap, async (connection) => {
    const metadata = await askMetadata(connection, [topic]);
    return partitionsOf(metadata, topic);
  });
}

/** How many partitions of the topics each broker leads, by node id; -1 counts those that nobody leads. */
export async function leaderCounts(
  bootstrap: readonly string[],
  topics: readonly string[],
): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  for (const topic of topics) {
    for (const { leader } of await describePartitions(bootstrap, topic)) {
      counts.set(leader, (counts.get(leader) ?? 0) + 1);
    }
  }
  return counts;
}

/**
 * Waits until every broker of `bootstrap` sees a leader and at least `replicas` in-sync replicas for each partition of
 * the topics. All of them are asked: one that was frozen still tells the state of before.
 *
 * @throws {Error} after the deadline, naming the partitions that lack replicas
 */
export async function waitForInSync(
  bootstrap: readonly string[],
  topics: readonly string[],
  replicas = 3,
  deadlineMs = 120_000,
): Promise<void> {
  let lacking = 'no broker answered yet';
  await waitFor(
    async () => {
      const views = await Promise.all(bootstrap.map((address) => lackingAt(address, topics, replicas)));
      lacking = views.flat().join('; ');
      return views.flat().length === 0;
    },
    { deadlineMs, everyMs: 200, what: () => `${replicas} in-sync replicas everywhere: ${lacking}` },
  );
}

async function lackingAt(address: string, topics: readonly string[], replicas: number): Promise<string[]> {
  try {
    return await askBroker(
      address,
      async (connection) => {
        const metadata = await askMetadata(connection, topics);
        return topics.flatMap((topic) => lackingOf(topic, partitionsOf(metadata, topic), replicas));
      },
      LOOK_TIMEOUT_MS,
    );
  } catch {
    return [`${address} does not answer`];
  }
}

function lackingOf(topic: string, states: readonly PartitionState[], replicas: number): string[] {
  if (states.length === 0) {
    return [`${topic} is unknown`];
  }
  return states
    .filter(({ leader, inSync }) => leader < 0 || inSync.length < replicas)
    .map(({ partition, leader, inSync }) => `${topic}-${partition} has leader ${leader}, in sync ${inSync.join(',')}`);
}

function partitionsOf(metadata: metadataV12.MetadataResponse, topic: string): PartitionState[] {
  const partitions = metadata.topics.find(({ name }) => name === topic)?.partitions ?? [];
  return partitions
    .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
      partition: partitionIndex,
      leader: leaderId,
      replicas: replicaNodes,
      inSync: isrNodes,
    }))
    .sort((a, b) => a.partition - b.partition);
}

/** A topic or partition with an error of its own, e.g. without a leader, is an answer here; the library throws it. */
async function askMetadata(connection: Connection, topics: readonly string[]): Promise<metadataV12.MetadataResponse> {
  try {
    return await metadataV12.api.async(connection, [...topics], false, false);
  } catch (error) {
    if (error instanceof ResponseError) {
      return error.response as metadataV12.MetadataResponse;
    }
    throw error;
  }
}
