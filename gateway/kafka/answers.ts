import { delivered, rejected } from '../core/outcome.ts';
import { backoffMs } from './backoff.ts';
import { type AnswerClass, classify, errorName, isTopicUnknown, mayBeAppended } from './error-classes.ts';
import type { Lane } from './lane.ts';
import type { KafkaObserver, NewEpochCause } from './observer.ts';
import type { PartitionAnswer } from './produce-protocol.ts';
import type { AccessWatch } from './security/access-watch.ts';
import type { KafkaSettings } from './settings.ts';
import type { Settling } from './settling.ts';

/** What handling an answer needs from the producer. */
export interface AnswerHandler {
  readonly settings: KafkaSettings;
  readonly observer: KafkaObserver;
  readonly access: AccessWatch;
  readonly settling: Settling;
  /** Records have been settled; called after they were told. `handedOver`: they did not count as pressure any more. */
  settled(records: number, rawBytes: number, handedOver: boolean): void;
  refreshMetadata(): void;
  /** The leader of one of the topic's partitions does not know it. */
  topicDoubted(topic: string): void;
  /** A lane waits for a producer id. */
  requestProducerId(): void;
}

/** Nobody knows what became of the attempt. The same bytes go out again, to the leader of the day. */
export function handleNoAnswer(lane: Lane, failure: string, handler: AnswerHandler): void {
  retry(lane, 'retry_elsewhere', failure, true, handler);
  handler.refreshMetadata();
}

/** Does with a lane what the broker's answer for its first batch asks for. Each lane by its own error code. */
export function handleAnswer(lane: Lane, answer: PartitionAnswer, handler: AnswerHandler): void {
  const { errorCode } = answer;
  const answerClass = classify(errorCode);
  switch (answerClass) {
    case 'delivered':
      settleDelivered(lane, errorCode !== 0, handler);
      return;
    case 'too_large':
    case 'invalid_record':
      split(lane, answerClass, answer, handler);
      return;
    case 'new_epoch':
    case 'new_producer_id':
      retry(lane, answerClass, errorName(errorCode), false, handler);
      startEpoch(lane, answerClass, handler);
      return;
    case 'retry_elsewhere':
    case 'needs_operator':
      if (isTopicUnknown(errorCode)) handler.topicDoubted(lane.topic);
      if (answerClass === 'needs_operator') handler.access.answered(`topic ${lane.topic}`, errorName(errorCode));
      handler.refreshMetadata();
      retry(lane, answerClass, errorName(errorCode), mayBeAppended(errorCode), handler);
      return;
    case 'retry':
    case 'unknown':
      retry(lane, answerClass, errorName(errorCode), mayBeAppended(errorCode), handler);
  }
}

function settleDelivered(lane: Lane, duplicate: boolean, handler: AnswerHandler): void {
  const batch = lane.delivered();
  const { settleables, records, rawBytes, handedOver, openedAtMs } = batch;
  if (handler.access.isTroubled) handler.access.succeeded(`topic ${lane.topic}`);
  handler.observer.batchDelivered(lane.topic, records, duplicate, performance.now() - openedAtMs);
  handler.settling.tell(settleables, delivered);
  handler.settled(records, rawBytes, handedOver);
}

function retry(lane: Lane, answer: AnswerClass, error: string, mayBeStored: boolean, handler: AnswerHandler): void {
  const { settings, observer } = handler;
  // What a person has to mend will not be mended within the first, short pauses.
  const failures = answer === 'needs_operator' ? Number.MAX_SAFE_INTEGER : lane.failures + 1;
  const batch = lane.retry(performance.now() + backoffMs(failures, settings), mayBeStored);
  observer.batchRetried(lane.topic, lane.partition, answer, error, batch.attempts);
}

function startEpoch(lane: Lane, answer: 'new_epoch' | 'new_producer_id', handler: AnswerHandler): void {
  const doubled = lane.queue.possibleDuplicates;
  lane.startEpoch(answer === 'new_epoch');
  epochStarted(lane, answer === 'new_epoch' ? 'sequence_lost' : 'fenced', doubled, handler);
}

function epochStarted(lane: Lane, cause: NewEpochCause, possibleDuplicates: number, handler: AnswerHandler): void {
  handler.observer.epochStarted(lane.topic, lane.partition, cause, possibleDuplicates);
  if (lane.needsIdentity) handler.requestProducerId();
}

function split(
  lane: Lane,
  answerClass: 'too_large' | 'invalid_record',
  answer: PartitionAnswer,
  handler: AnswerHandler,
): void {
  const { observer } = handler;
  const error = errorName(answer.errorCode);
  const possibleDuplicates = lane.queue.possibleDuplicates;
  const { refused, refusedRawBytes, handedOver, parts } = lane.split(
    answerClass === 'invalid_record' ? answer.offenders : [],
  );
  const left = parts.reduce((sum, part) => sum + part.records, 0);
  observer.batchSplit(lane.topic, lane.partition, left + refused.length, error);
  if (refused.length === 0) return;
  // Part of what is sent again under the new epoch may be stored already; the refused ones are not sent again.
  epochStarted(lane, 'records_rejected', left === 0 ? 0 : possibleDuplicates, handler);
  const reason = answerClass === 'too_large' ? 'too_large' : 'refused_by_kafka';
  const detail = `Kafka refused the record: ${error}${answer.errorMessage ? `, ${answer.errorMessage}` : ''}`;
  observer.recordsRejected(lane.topic, reason, refused.length);
  handler.settling.tell(refused, rejected({ reason, detail }));
  handler.settled(refused.length, refusedRawBytes, handedOver);
}
