import { parseDuration, parseSize, showDuration, showSize } from './units.ts';

/** One setting of a topic, as people write it and as Kafka knows it. */
export interface TopicSetting {
  /** Its name in the file. */
  readonly field: string;
  /** Its name in Kafka. */
  readonly kafkaName: string;
  /** Kafka's text for a value of the file. */
  readonly toKafka: (value: string | number | boolean) => string;
  /** Kafka's text, for people. */
  readonly show: (kafkaValue: string) => string;
  /** What the change takes away, when it takes something away: such a change wants `--allow-destructive`. */
  readonly harm: (from: string, to: string) => string | undefined;
}

/** Kafka's "for ever" of `retention.ms`, and its "any" of the limits of timestamps. */
const forever = '-1';
const anyTimestamp = String(2n ** 63n - 1n);

const isUnlimited = (value: string): boolean => value === forever || value === anyTimestamp;

/** Smaller as a limit: unlimited is the largest. What is no number is not compared. */
function shrinks(from: string, to: string): boolean {
  if (isUnlimited(to)) return false;
  return isUnlimited(from) || (isNumber(from) && isNumber(to) && BigInt(to) < BigInt(from));
}

const isNumber = (text: string): boolean => /^-?\d+$/.test(text);

const whenShrinking =
  (harm: string) =>
  (from: string, to: string): string | undefined =>
    shrinks(from, to) ? harm : undefined;

const showKafkaDuration = (value: string): string => {
  if (isUnlimited(value)) return 'unlimited';
  return isNumber(value) ? showDuration(BigInt(value)) : value;
};
const duration = (unlimited: string) => ({
  toKafka: (value: string | number | boolean): string => String(parseDuration(String(value)) ?? unlimited),
  show: showKafkaDuration,
});
const plain = { toKafka: String, show: (value: string): string => value };
const noHarm = (): undefined => undefined;

/** The policies of a list, in one order: Kafka's is whatever somebody typed. */
const policies = (list: string): string[] =>
  list
    .split(',')
    .map((policy) => policy.trim())
    .filter((policy) => policy !== '')
    .sort();

const policyHarm: Readonly<Record<string, string>> = {
  delete: 'records older than the retention will be deleted, which are kept so far',
  compact: 'all but the newest record of each key will be deleted',
};

function harmOfPolicies(from: string, to: string): string | undefined {
  const before = policies(from);
  const added = policies(to).filter((policy) => !before.includes(policy));
  return added.length === 0 ? undefined : added.map((policy) => policyHarm[policy] ?? `adds ${policy}`).join('; ');
}

/** All settings that the file may hold, in the order in which they are shown. */
export const topicSettings: readonly TopicSetting[] = [
  {
    field: 'minInSyncReplicas',
    kafkaName: 'min.insync.replicas',
    ...plain,
    harm: whenShrinking('an acknowledged record may then be on fewer disks'),
  },
  {
    field: 'retention',
    kafkaName: 'retention.ms',
    ...duration(forever),
    harm: whenShrinking('records that are older than the new retention will be deleted'),
  },
  {
    field: 'cleanup',
    kafkaName: 'cleanup.policy',
    toKafka: (value) => policies(String(value)).join(','),
    show: (value) => policies(value).join(','),
    harm: harmOfPolicies,
  },
  { field: 'compression', kafkaName: 'compression.type', ...plain, harm: noHarm },
  {
    field: 'maxMessage',
    kafkaName: 'max.message.bytes',
    toKafka: (value) => String(parseSize(String(value))),
    show: (value) => (isNumber(value) ? showSize(BigInt(value)) : value),
    harm: whenShrinking('batches that are taken so far will be refused'),
  },
  { field: 'segment', kafkaName: 'segment.ms', ...duration(anyTimestamp), harm: noHarm },
  {
    field: 'timestampType',
    kafkaName: 'message.timestamp.type',
    ...plain,
    harm: (from, to) =>
      from !== to && to === 'LogAppendTime' ? 'new records lose their event time as timestamp' : undefined,
  },
  {
    field: 'timestampsBefore',
    kafkaName: 'message.timestamp.before.max.ms',
    ...duration(anyTimestamp),
    harm: whenShrinking('records with older timestamps, taken so far, will be refused'),
  },
  {
    field: 'timestampsAfter',
    kafkaName: 'message.timestamp.after.max.ms',
    ...duration(anyTimestamp),
    harm: whenShrinking('records with later timestamps, taken so far, will be refused'),
  },
  {
    field: 'uncleanLeaderElection',
    kafkaName: 'unclean.leader.election.enable',
    ...plain,
    harm: (from, to) =>
      from !== to && to === 'true' ? 'a leader that lacks acknowledged records may be elected' : undefined,
  },
];

const byKafkaName = new Map(topicSettings.map((setting) => [setting.kafkaName, setting]));

/** The setting of a Kafka name; undefined for one that the file cannot hold. */
export const settingOf = (kafkaName: string): TopicSetting | undefined => byKafkaName.get(kafkaName);

/** Whether two of Kafka's texts mean the same. */
export const sameValue = (kafkaName: string, one: string, other: string): boolean => {
  const show = settingOf(kafkaName)?.show ?? String;
  return show(one) === show(other);
};
