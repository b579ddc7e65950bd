import type { LocalBroker } from '../../deploy/local/kafka.ts';
import { waitFor } from '../../deploy/local/wait-for.ts';
import { leaderCounts } from '../injectors/cluster-view.ts';
import type { World } from '../scenario.ts';

/** `127.0.0.1:port` of the brokers that run and are not in `without`: a frozen one would keep every question waiting. */
export function addresses(world: World, without: readonly LocalBroker[] = []): string[] {
  return world.kafka.brokers
    .filter((broker) => broker.isRunning() && !without.includes(broker))
    .map(({ port }) => `127.0.0.1:${port}`);
}

/** The running broker that leads most partitions of the events topic. */
export async function mainLeader(world: World): Promise<LocalBroker> {
  const counts = await leaderCounts(addresses(world), [world.topics.events]);
  const [first] = world.kafka.brokers
    .filter((broker) => broker.isRunning())
    .sort((a, b) => (counts.get(b.nodeId) ?? 0) - (counts.get(a.nodeId) ?? 0));
  if (first === undefined || (counts.get(first.nodeId) ?? 0) === 0) throw new Error('nobody leads the events topic');
  return first;
}

/** Waits until every partition of the events topic is led by somebody else. */
export async function untilDeposed(world: World, broker: LocalBroker, deadlineMs: number): Promise<void> {
  await waitFor(
    async () => {
      const counts = await leaderCounts(addresses(world, [broker]), [world.topics.events]);
      return !counts.has(broker.nodeId) && !counts.has(-1);
    },
    { deadlineMs, everyMs: 200, what: `broker ${broker.nodeId} to lead nothing any more` },
  );
}
