import type { Producer } from './kafka/producer.ts';
import type { AccessWatch } from './kafka/security/access-watch.ts';
import type { Condition } from './readiness.ts';
import type { SpooledSink } from './spool/spooled-sink.ts';

/** What records go through at this moment. */
export interface RecordWays {
  readonly producer: Pick<Producer, 'isReachable' | 'missingTopics' | 'stats'> | undefined;
  /** Where Kafka does not let the gateway in; also while there is no producer yet. */
  readonly access: Pick<AccessWatch, 'isRefused'>;
  readonly spooled: Pick<SpooledSink, 'state' | 'blockedReason' | 'canSpool'> | undefined;
}

/**
 * Whatever of the way of records speaks against sending devices here. With a spool that works, they are answered also when
 * Kafka is away, be it after a while: then Kafka's state is no reason. What the age of records says, it says of devices
 * that wait; not while new ones go to the spool.
 */
export function recordConditions(ways: () => RecordWays, unsettledAfterMs: number): Condition[] {
  const hasKafkaOnly = () => ways().spooled?.canSpool !== true;
  const isDirect = () => (ways().spooled?.state ?? 'direct') === 'direct';
  const oldestUnsettledMs = () => ways().producer?.stats().oldestUnsettledMs ?? 0;
  return [
    { reason: 'kafka_unreachable', holds: () => hasKafkaOnly() && ways().producer?.isReachable() === false },
    { reason: 'kafka_tls_failed', holds: () => hasKafkaOnly() && ways().access.isRefused('tls') },
    { reason: 'kafka_login_failed', holds: () => hasKafkaOnly() && ways().access.isRefused('login') },
    { reason: 'kafka_not_authorized', holds: () => hasKafkaOnly() && ways().access.isRefused('permission') },
    { reason: 'topic_missing', holds: () => hasKafkaOnly() && (ways().producer?.missingTopics().length ?? 0) > 0 },
    { reason: 'records_unsettled', holds: () => isDirect() && oldestUnsettledMs() >= unsettledAfterMs },
    { reason: 'spool_failing', holds: () => ways().spooled?.blockedReason === 'spool_failing' },
    { reason: 'spool_full', holds: () => ways().spooled?.blockedReason === 'spool_full' },
  ];
}
