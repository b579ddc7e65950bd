import { setTimeout as delay } from 'node:timers/promises';
import type { TopicCluster } from './cluster.ts';
import { type Allowed, type Change, isRefused, planChanges, type SettingChange } from './plan.ts';
import type { WantedTopic } from './wanted.ts';

/** One request to the cluster and the changes that it makes. */
interface Step {
  readonly changes: readonly Change[];
  readonly run: (cluster: TopicCluster) => Promise<void>;
}

/** How an apply ended. */
export interface Applied {
  /** Changes that were made. */
  readonly changes: number;
  /** What still differs afterwards; empty when the cluster is as wanted. */
  readonly left: readonly Change[];
}

/** How long brokers may take to show a change. */
const showDeadlineMs = 30_000;
const showPollMs = 200;

/**
 * Makes the changes of a plan, and waits until the cluster shows them. When one of them is refused, none is made: what
 * was reviewed together happens together or not at all.
 *
 * @param onStep called before each request with what it changes
 * @param deadlineMs how long brokers may take to show the changes
 * @throws what the cluster failed with; what was made before stays, and applying again goes on from there
 */
export async function applyChanges(
  cluster: TopicCluster,
  wanted: readonly WantedTopic[],
  changes: readonly Change[],
  allowed: Allowed,
  onStep: (changes: readonly Change[], step: number, steps: number) => void,
  deadlineMs = showDeadlineMs,
): Promise<Applied> {
  if (changes.some((change) => isRefused(change, allowed))) return { changes: 0, left: changes };
  const steps = stepsOf(changes);
  for (const [index, step] of steps.entries()) {
    onStep(step.changes, index + 1, steps.length);
    await step.run(cluster);
  }
  return { changes: changes.length, left: await untilShown(cluster, wanted, deadlineMs) };
}

/** Topics first, then settings, one request per topic; partitions last, when the settings that they get are right. */
function stepsOf(changes: readonly Change[]): Step[] {
  const creations: Step[] = [];
  const partitions: Step[] = [];
  const settings = new Map<string, SettingChange[]>();
  for (const change of changes) {
    if (change.kind === 'create') creations.push({ changes: [change], run: (cluster) => cluster.create(change) });
    if (change.kind === 'partitions') {
      partitions.push({ changes: [change], run: (cluster) => cluster.addPartitions(change) });
    }
    if (change.kind === 'setting') settings.set(change.topic, [...(settings.get(change.topic) ?? []), change]);
  }
  const settingSteps = [...settings].map(
    ([topic, ofTopic]): Step => ({ changes: ofTopic, run: (cluster) => cluster.set(topic, ofTopic) }),
  );
  return [...creations, ...settingSteps, ...partitions];
}

/** Brokers show a change a moment after the controller has answered. */
async function untilShown(
  cluster: TopicCluster,
  wanted: readonly WantedTopic[],
  deadlineMs: number,
): Promise<Change[]> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const actual = await cluster.read(wanted.map(({ name }) => name));
    const left = planChanges(wanted, actual);
    if (left.length === 0 || performance.now() >= deadline) return left;
    await delay(showPollMs);
  }
}
