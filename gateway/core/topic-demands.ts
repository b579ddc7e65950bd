/** What a topic must take for the gateway to keep its promises about the records that it writes there. */
export interface TopicDemands {
  /** Largest record batch, in bytes: `kafka.maxBatchBytes`. */
  readonly maxBatchBytes: number;
  /** How far timestamps may lie ahead of, and behind, the moment of the append; undefined: not known. */
  readonly timestamps?: TimestampBounds | undefined;
}

export interface TimestampBounds {
  readonly maxAheadMs: number;
  readonly maxBehindMs: number;
}

/** A topic as it is, or as it shall be. */
export interface TopicState {
  /** Replicas of the partition that has the fewest. */
  readonly replication: number;
  /** Settings by their Kafka names, as Kafka's text; what is left out is not held against the demands. */
  readonly settings: ReadonlyMap<string, string>;
}

export type MisfitCode =
  | 'no_replication'
  | 'unsafe_min_in_sync_replicas'
  | 'batches_larger_than_topic_takes'
  | 'late_events_refused'
  | 'early_events_refused'
  | 'event_time_overwritten'
  | 'unclean_leaders_allowed';

/** Where a topic does not keep a promise, though records can be written. */
export interface TopicMisfit {
  readonly code: MisfitCode;
  /** What it means, with the setting, its value and the one that would do. */
  readonly message: string;
}

const minInSyncReplicas = 'min.insync.replicas';
const maxMessageBytes = 'max.message.bytes';
const beforeMaxMs = 'message.timestamp.before.max.ms';
const afterMaxMs = 'message.timestamp.after.max.ms';
const timestampType = 'message.timestamp.type';
const uncleanLeaderElection = 'unclean.leader.election.enable';

/** Kafka's names of the settings that are looked at. */
export const demandedSettings: readonly string[] = [
  minInSyncReplicas,
  maxMessageBytes,
  beforeMaxMs,
  afterMaxMs,
  timestampType,
  uncleanLeaderElection,
];

/**
 * Where a topic would not keep what the gateway promises. One list of rules for the topics of a cluster, which the
 * gateway looks at when it starts, and for those of the reviewed file.
 */
export function topicMisfits(topic: TopicState, demands: TopicDemands): TopicMisfit[] {
  const { settings } = topic;
  const found: TopicMisfit[] = [...disks(topic)];
  const below = (code: MisfitCode, name: string, needed: number, meaning: string): void => {
    const value = settings.get(name);
    if (value === undefined || Number(value) >= needed) return;
    found.push({ code, message: `${name} is ${value}, less than ${meaning}` });
  };
  const { maxBatchBytes, timestamps } = demands;
  below(
    'batches_larger_than_topic_takes',
    maxMessageBytes,
    maxBatchBytes,
    `${maxBatchBytes} (kafka.maxBatchBytes): batches that do not compress below it are refused and sent again in parts`,
  );
  if (timestamps !== undefined) {
    const { maxBehindMs, maxAheadMs } = timestamps;
    below('late_events_refused', beforeMaxMs, maxBehindMs, refusal(maxBehindMs, 'behind'));
    below('early_events_refused', afterMaxMs, maxAheadMs, refusal(maxAheadMs, 'ahead'));
  }
  if (settings.get(timestampType) === 'LogAppendTime') {
    const message = `${timestampType} is LogAppendTime: the event time is lost as the record's timestamp`;
    found.push({ code: 'event_time_overwritten', message });
  }
  if (settings.get(uncleanLeaderElection) === 'true') {
    const message = `${uncleanLeaderElection} is true: an unclean leader may lack acknowledged records`;
    found.push({ code: 'unclean_leaders_allowed', message });
  }
  return found;
}

const refusal = (ms: number, where: 'ahead' | 'behind'): string =>
  `${ms}, by which timestamps may be ${where}: Kafka would refuse what the gateway has accepted`;

function disks({ replication, settings }: TopicState): TopicMisfit[] {
  if (replication === 1) {
    const message = 'replication factor 1: an acknowledged record is lost with the disk of one broker';
    return [{ code: 'no_replication', message }];
  }
  const minInSync = settings.get(minInSyncReplicas);
  if (minInSync === undefined || Number(minInSync) >= 2) return [];
  const message = `${minInSyncReplicas} is ${minInSync}, less than 2: an acknowledged record may be on one broker only`;
  return [{ code: 'unsafe_min_in_sync_replicas', message }];
}
