import type { WantedTopic } from './wanted.ts';

/** What the gateway promises for its topics, from its settings. */
export interface Promises {
  /** Topics that it writes to. */
  readonly topics: readonly string[];
  readonly maxBatchBytes: number;
  readonly maxClockAheadSeconds: number;
  readonly maxClockBehindSeconds: number;
  /** How long a record may lie in the spool before Kafka sees it; 0 without a spool. */
  readonly spoolMaxAgeSeconds: number;
}

/** Where the topics would not keep what a gateway with these settings promises; one line each. */
export function misfits(wanted: readonly WantedTopic[], promises: Promises): string[] {
  const byName = new Map(wanted.map((topic) => [topic.name, topic]));
  return promises.topics.flatMap((name) => {
    const topic = byName.get(name);
    return topic === undefined
      ? [`${name}: the gateway writes to it, but the file has no such topic`]
      : check(topic, promises);
  });
}

function check({ name, replication, settings }: WantedTopic, promises: Promises): string[] {
  const found: string[] = [];
  const limit = (kafkaName: string): number => Number(settings.get(kafkaName) ?? Number.POSITIVE_INFINITY);
  const below = (kafkaName: string, needed: number, what: string): void => {
    if (limit(kafkaName) < needed) {
      found.push(`${name}: ${kafkaName} is ${settings.get(kafkaName)}, less than ${needed}: ${what}`);
    }
  };
  if (replication === 1)
    found.push(`${name}: replication 1: an acknowledged record is lost with the disk of one broker`);
  else below('min.insync.replicas', 2, 'an acknowledged record may be on one broker only');
  below('max.message.bytes', promises.maxBatchBytes, 'kafka.maxBatchBytes; larger batches are split and sent again');
  const { maxClockAheadSeconds, maxClockBehindSeconds, spoolMaxAgeSeconds } = promises;
  below(
    'message.timestamp.after.max.ms',
    maxClockAheadSeconds * 1000,
    'validation.maxClockAheadSeconds; Kafka would refuse what the gateway has accepted',
  );
  below(
    'message.timestamp.before.max.ms',
    (maxClockBehindSeconds + spoolMaxAgeSeconds) * 1000,
    'validation.maxClockBehindSeconds and the time in the spool; Kafka would refuse what the gateway has accepted',
  );
  if (settings.get('message.timestamp.type') === 'LogAppendTime') {
    found.push(`${name}: message.timestamp.type is LogAppendTime: the event time is lost as the record's timestamp`);
  }
  if (settings.get('unclean.leader.election.enable') === 'true') {
    found.push(`${name}: unclean.leader.election.enable is true: an unclean leader may lack acknowledged records`);
  }
  return found;
}
