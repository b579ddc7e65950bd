import { CommandFailure } from '../gateway/command/failure.ts';
import type { ClusterConnection } from '../topics/connection.ts';
import { describeFailure } from '../topics/failure.ts';
import { KafkaCluster } from '../topics/kafka-cluster.ts';
import type { ActualTopic } from '../topics/wanted.ts';

const smallestBatchBytes = 1024 * 1024;
const largestBatchBytes = 32 * 1024 * 1024;
const dayMs = 86_400_000;

/** What of the topic copied to matters for copying. */
export interface Destination {
  readonly maxBatchBytes: number;
  readonly warnings: readonly string[];
}

/**
 * Looks at the topic copied to, before anything is written.
 *
 * @throws {CommandFailure} when it is missing, would not keep the timestamps, or takes none as old as these.
 */
export async function checkDestination(
  connection: ClusterConnection,
  topic: string,
  fromMs: number,
  nowMs: number,
): Promise<Destination> {
  const cluster = new KafkaCluster(connection);
  try {
    const actual = (await cluster.read([topic])).topics.get(topic);
    if (actual === undefined) throw new CommandFailure(`Kafka has no topic ${topic}; create it first: npm run topics`);
    return judgeDestination(topic, actual, fromMs, nowMs);
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(`the settings of ${topic} cannot be read: ${describeFailure(error)}`);
  } finally {
    await cluster.close();
  }
}

export function judgeDestination(topic: string, actual: ActualTopic, fromMs: number, nowMs: number): Destination {
  const setting = (name: string): string => actual.settings.get(name)?.value ?? '';
  if (setting('message.timestamp.type') === 'LogAppendTime') {
    throw new CommandFailure(
      `${topic} stamps records with the time of their append, so their timestamps would be lost; ` +
        'set its message.timestamp.type to CreateTime',
    );
  }
  const ageMs = nowMs - fromMs;
  const before = Number(setting('message.timestamp.before.max.ms'));
  if (before > 0 && ageMs > before) {
    throw new CommandFailure(
      `${topic} takes no records that are older than ${inDays(before)} (message.timestamp.before.max.ms); ` +
        `those from ${new Date(fromMs).toISOString()} on are`,
    );
  }
  const retention = Number(setting('retention.ms'));
  const deletes = setting('cleanup.policy').includes('delete');
  const warnings =
    deletes && retention >= 0 && ageMs > retention
      ? [
          `${topic} keeps records for ${inDays(retention)} from their timestamps on: Kafka soon deletes the older copies`,
        ]
      : [];
  const taken = Number(setting('max.message.bytes')) || smallestBatchBytes;
  return { maxBatchBytes: Math.min(largestBatchBytes, Math.max(smallestBatchBytes, taken)), warnings };
}

const inDays = (ms: number): string => `${Number((ms / dayMs).toFixed(1))} days`;
