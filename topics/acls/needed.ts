import type { GatewayConfig } from '../../gateway/config/schema.ts';
import { eventTopicsOf, topicDemandsOf } from '../../gateway/topic-demands-of.ts';

/** Operations of Kafka's authorizer that this project ever needs. */
export type Operation = 'Read' | 'Write' | 'Create' | 'Describe' | 'DescribeConfigs' | 'IdempotentWrite';

/** One permission, and what it is for. */
export interface NeededAcl {
  readonly resource: 'topic' | 'cluster';
  /** Of a topic, literally; the cluster is named `kafka-cluster`. */
  readonly name: string;
  readonly operation: Operation;
  readonly why: string;
}

/** Who is to have the permissions; a replay copies from one topic to another. */
export type Purpose =
  | { readonly kind: 'gateway' }
  | { readonly kind: 'dead-letters' }
  | { readonly kind: 'replay'; readonly from: string; readonly to: string };

export const clusterName = 'kafka-cluster';

/**
 * The least that a principal needs for a purpose with these settings.
 *
 * @param idempotentWrite brokers before 2.8 want it for producer ids, later ones any Write (KIP-679).
 */
export function neededAcls(config: GatewayConfig, purpose: Purpose, idempotentWrite: boolean): NeededAcl[] {
  const acls = withoutRepeats(aclsOf(config, purpose));
  const writes = acls.some(({ operation }) => operation === 'Write');
  if (!writes || !idempotentWrite) return acls;
  return [
    ...acls,
    { resource: 'cluster', name: clusterName, operation: 'IdempotentWrite', why: 'producer ids of brokers before 2.8' },
  ];
}

function aclsOf(config: GatewayConfig, purpose: Purpose): NeededAcl[] {
  const written = [...topicDemandsOf(config).keys()];
  switch (purpose.kind) {
    case 'gateway':
      return written.flatMap((topic) => [
        ...writing(topic),
        ...(config.kafka.createTopics.enabled ? [acl(topic, 'Create', 'kafka.createTopics.enabled')] : []),
      ]);
    case 'dead-letters':
      return [...eventTopicsOf(config), config.deadLetterTopic].flatMap((topic) => [
        ...reading(topic),
        ...writing(topic),
      ]);
    case 'replay':
      // What an earlier, killed command has copied is looked for in the destination.
      return [...reading(purpose.from), ...reading(purpose.to), ...writing(purpose.to)];
  }
}

/** Kafka's authorizer takes Describe for granted with Read and Write; others may not. */
const reading = (topic: string): NeededAcl[] => [
  acl(topic, 'Read', 'reads records'),
  acl(topic, 'Describe', 'finds partitions, leaders and offsets'),
];

const writing = (topic: string): NeededAcl[] => [
  acl(topic, 'Write', 'writes records'),
  acl(topic, 'Describe', 'finds partitions, leaders and offsets'),
  acl(topic, 'DescribeConfigs', 'holds the topic against what it must take'),
];

const acl = (name: string, operation: Operation, why: string): NeededAcl => ({
  resource: 'topic',
  name,
  operation,
  why,
});

/** Each permission once. */
function withoutRepeats(acls: readonly NeededAcl[]): NeededAcl[] {
  const byKey = new Map<string, NeededAcl>();
  for (const needed of acls) {
    const key = `${needed.resource} ${needed.name} ${needed.operation}`;
    if (!byKey.has(key)) byKey.set(key, needed);
  }
  return [...byKey.values()];
}
