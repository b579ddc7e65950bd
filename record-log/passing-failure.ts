/** A broker does not answer, or does not lead a partition any more: worth another attempt, after another look at the cluster. */
export class PassingFailure extends Error {
  override readonly name = 'PassingFailure';
}

/** Errors of a partition that another look at the cluster may mend. */
const passingErrors: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'REQUEST_TIMED_OUT',
  'NETWORK_EXCEPTION',
  'UNKNOWN_SERVER_ERROR',
]);

/** @param error name of a Kafka error. */
export const isPassing = (error: string): boolean => passingErrors.has(error);
