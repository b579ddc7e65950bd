import { alterPartitionReassignmentsV0 } from '@platformatic/kafka';
import { waitFor } from '../../deploy/local/wait-for.ts';
import { askAnyBroker } from './ask-broker.ts';
import { describePartitions, type PartitionState } from './cluster-view.ts';
import { electLeaders } from './elect-leaders.ts';

export { describePartitions, leaderCounts, type PartitionState, waitForInSync } from './cluster-view.ts';

/** The replicas, node ids, that each listed partition shall have; the first one is its preferred leader. */
export type Assignment = ReadonlyMap<number, readonly number[]>;

const CHANGE_TIMEOUT_MS = 10_000;
const SETTLE_DEADLINE_MS = 60_000;
const SUCCESSFUL_ELECTIONS: readonly number[] = [0, 84];

/**
 * Assigns partitions of `topic` to other replicas and waits until they are in sync and the old ones are gone. The number
 * of replicas may change.
 */
export async function reassign(bootstrap: readonly string[], topic: string, assignment: Assignment): Promise<void> {
  const partitions = [...assignment].map(([partitionIndex, replicas]) => ({ partitionIndex, replicas: [...replicas] }));
  await askAnyBroker(bootstrap, (connection) =>
    alterPartitionReassignmentsV0.api.async(connection, CHANGE_TIMEOUT_MS, true, [{ name: topic, partitions }]),
  );
  await untilSettled(bootstrap, topic, assignment, (state, wanted) => {
    const sameReplicas = state.replicas.join() === wanted.join();
    return sameReplicas && wanted.every((nodeId) => state.inSync.includes(nodeId));
  });
}

/** Makes the first replica of each listed partition its leader, in the order of the assignment, and waits for that. */
async function leadByFirst(bootstrap: readonly string[], topic: string, assignment: Assignment): Promise<void> {
  await reassign(bootstrap, topic, assignment);
  await askAnyBroker(bootstrap, async (connection) => {
    const results = await electLeaders.async(connection, topic, [...assignment.keys()], CHANGE_TIMEOUT_MS);
    const failed = results.filter(({ errorCode }) => !SUCCESSFUL_ELECTIONS.includes(errorCode));
    if (failed.length > 0) {
      throw new Error(`leaders were not elected: ${JSON.stringify(failed)}`);
    }
  });
  await untilSettled(bootstrap, topic, assignment, (state, wanted) => state.leader === wanted[0]);
}

/**
 * Moves the leadership of every partition of `topic` on to its next replica.
 *
 * @returns how many partitions got another leader
 */
export async function moveLeaders(bootstrap: readonly string[], topic: string): Promise<number> {
  const states = await describePartitions(bootstrap, topic);
  const rotated = states.map(({ partition, leader, replicas }): [number, readonly number[]] => {
    const next = (Math.max(replicas.indexOf(leader), 0) + 1) % replicas.length;
    return [partition, [...replicas.slice(next), ...replicas.slice(0, next)]];
  });
  await leadByFirst(bootstrap, topic, new Map(rotated));
  return states.filter(({ replicas }) => replicas.length > 1).length;
}

/** Makes one broker the leader of every partition of `topic` that it has a replica of. */
export async function moveLeadersTo(bootstrap: readonly string[], topic: string, nodeId: number): Promise<void> {
  const states = await describePartitions(bootstrap, topic);
  const assignment = new Map(
    states
      .filter(({ replicas }) => replicas.includes(nodeId))
      .map(({ partition, replicas }) => [partition, [nodeId, ...replicas.filter((replica) => replica !== nodeId)]]),
  );
  await leadByFirst(bootstrap, topic, assignment);
}

/**
 * Takes one broker out of the replicas of every partition of `topic`, so that its leaders move and its data is deleted,
 * and puts it back, so that it copies all of it anew.
 */
export async function reassignAwayAndBack(bootstrap: readonly string[], topic: string, nodeId: number): Promise<void> {
  const before = await describePartitions(bootstrap, topic);
  const touched = before.filter(({ replicas }) => replicas.length > 1 && replicas.includes(nodeId));
  const without = touched.map(({ partition, replicas }): [number, readonly number[]] => [
    partition,
    replicas.filter((replica) => replica !== nodeId),
  ]);
  await reassign(bootstrap, topic, new Map(without));
  await reassign(bootstrap, topic, new Map(touched.map(({ partition, replicas }) => [partition, replicas])));
}

async function untilSettled(
  bootstrap: readonly string[],
  topic: string,
  assignment: Assignment,
  isSettled: (state: PartitionState, wanted: readonly number[]) => boolean,
): Promise<void> {
  let seen: PartitionState[] = [];
  await waitFor(
    async () => {
      seen = await describePartitions(bootstrap, topic);
      return [...assignment].every(([partition, wanted]) => {
        const state = seen.find((candidate) => candidate.partition === partition);
        return state !== undefined && isSettled(state, wanted);
      });
    },
    {
      deadlineMs: SETTLE_DEADLINE_MS,
      everyMs: 100,
      what: () => `${topic} to be as assigned ${JSON.stringify([...assignment])}, seen: ${JSON.stringify(seen)}`,
    },
  );
}
