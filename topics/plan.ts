import { sameValue, settingOf } from './settings.ts';
import type { ActualCluster, ActualTopic, WantedTopic } from './wanted.ts';

/**
 * What speaks against a change.
 * `destructive`: it takes data or a promise away; wants `--allow-destructive`.
 * `moves_keys`: it moves keys to other partitions; wants `--allow-more-partitions`.
 * `impossible`: Kafka cannot, or this command must not; nothing allows it.
 */
export type Risk = 'none' | 'destructive' | 'moves_keys' | 'impossible';

interface Judged {
  readonly topic: string;
  readonly risk: Risk;
  /** What the change does, when there is a risk, and what to do instead when it is impossible. */
  readonly why: string;
}
export interface Creation extends Judged {
  readonly kind: 'create';
  readonly wanted: WantedTopic;
}
export interface PartitionsChange extends Judged {
  readonly kind: 'partitions';
  readonly from: number;
  readonly to: number;
}
export interface ReplicationChange extends Judged {
  readonly kind: 'replication';
  /** `3`, or `1 to 3` where partitions differ. */
  readonly from: string;
  readonly to: number;
}
export interface SettingChange extends Judged {
  readonly kind: 'setting';
  readonly kafkaName: string;
  /** Kafka's text; undefined: the brokers do not know this setting. */
  readonly from: string | undefined;
  readonly to: string;
  /** The value stays, but no longer depends on what the brokers are set to. */
  readonly pinned: boolean;
}
/** One difference between what is wanted and what there is. */
export type Change = Creation | PartitionsChange | ReplicationChange | SettingChange;

export interface Allowed {
  readonly destructive: boolean;
  readonly morePartitions: boolean;
}

export const isRefused = ({ risk }: Change, allowed: Allowed): boolean =>
  risk === 'impossible' ||
  (risk === 'destructive' && !allowed.destructive) ||
  (risk === 'moves_keys' && !allowed.morePartitions);

/** All differences, topic by topic in the order of the file; empty when the cluster is as wanted. Topics are never deleted. */
export function planChanges(wanted: readonly WantedTopic[], actual: ActualCluster): Change[] {
  return wanted.flatMap((topic): Change[] => {
    const there = actual.topics.get(topic.name);
    if (there === undefined) return [creation(topic, actual.brokers)];
    return [...replication(topic, there), ...partitions(topic, there), ...settings(topic, there)];
  });
}

const safe = { risk: 'none', why: '' } as const;

function creation(wanted: WantedTopic, brokers: number): Creation {
  const change = { kind: 'create', topic: wanted.name, wanted } as const;
  if (wanted.replication <= brokers) return { ...change, ...safe };
  const why = `${wanted.replication} replicas need as many brokers; the cluster has ${brokers}`;
  return { ...change, risk: 'impossible', why };
}

function replication({ name, replication: to }: WantedTopic, there: ActualTopic): ReplicationChange[] {
  if (there.replication === to && there.mostReplicas === to) return [];
  const uneven = there.replication !== there.mostReplicas;
  return [
    {
      kind: 'replication',
      topic: name,
      from: uneven ? `${there.replication} to ${there.mostReplicas}` : String(there.replication),
      to,
      risk: 'impossible',
      why:
        'replicas are moved by a reassignment, which copies all data between brokers: do it with ' +
        "kafka-reassign-partitions (with a throttle) or your operator's tool, then plan again; or write into the file what there is",
    },
  ];
}

function partitions({ name, partitions: to }: WantedTopic, there: ActualTopic): PartitionsChange[] {
  const from = there.partitions;
  if (from === to) return [];
  const change = { kind: 'partitions', topic: name, from, to } as const;
  if (to < from) {
    const why =
      'Kafka cannot take partitions away: create a topic of another name, move producers, then consumers; or write into the file what there is';
    return [{ ...change, risk: 'impossible', why }];
  }
  const why =
    'most keys move to other partitions: consumers that have not caught up may see a new record of a vehicle before its older ones, and compaction no longer finds the older ones';
  return [{ ...change, risk: 'moves_keys', why }];
}

function settings({ name, settings: wanted }: WantedTopic, there: ActualTopic): SettingChange[] {
  return [...wanted].flatMap(([kafkaName, to]): SettingChange[] => {
    const actual = there.settings.get(kafkaName);
    const same = actual !== undefined && sameValue(kafkaName, actual.value, to);
    if (same && actual.own) return [];
    const change = { kind: 'setting', topic: name, kafkaName, from: actual?.value, to, pinned: same } as const;
    return [{ ...change, ...judge(kafkaName, actual?.value, to, there) }];
  });
}

function judge(
  kafkaName: string,
  from: string | undefined,
  to: string,
  there: ActualTopic,
): { readonly risk: Risk; readonly why: string } {
  if (kafkaName === 'min.insync.replicas' && Number(to) > there.replication) {
    const why = `the topic has ${there.replication} replicas: no write with acks=all could ever succeed; add replicas first`;
    return { risk: 'impossible', why };
  }
  if (from === undefined) return { risk: 'impossible', why: 'these brokers do not know this setting' };
  const why = settingOf(kafkaName)?.harm(from, to);
  return why === undefined ? safe : { risk: 'destructive', why };
}

/** Settings that a topic has of its own and the file does not hold; they are left alone. */
export function unmanagedSettings(wanted: WantedTopic, there: ActualTopic): string[] {
  return [...there.settings].flatMap(([name, { value, own }]) =>
    own && !wanted.settings.has(name) ? [`${name} = ${value}`] : [],
  );
}
