import type { Pressure } from '../core/record-sink.ts';
import type { KafkaObserver, NewEpochCause, RefusalReason, TopicChange, TopicFinding } from '../kafka/observer.ts';
import { type AccessCode, type AccessFailure, accessCodes } from '../kafka/security/access-failure.ts';
import { errorFields, type Log } from './log.ts';
import { Durations, type Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

type AnswerClass = Parameters<KafkaObserver['batchRetried']>[2];

const levels = ['none', 'soft', 'hard'] as const;
const topicChangeKinds = ['missing', 'back', 'grown', 'recreated'] as const;
const topicSeverity = { missing: 'error', back: 'info', grown: 'info', recreated: 'warn' } as const;
const topicTexts = {
  missing: 'the cluster does not show the topic any more: its records wait',
  back: 'the cluster shows the topic again',
  grown: 'the topic has more partitions: keys move when what is unsettled is on Kafka',
  recreated: 'the topic was deleted and created again: what was unsettled goes to the new one',
} as const;

/** Every event of the producer. A cluster in trouble repeats itself per batch, so those lines are limited too. */
export class KafkaEvents implements KafkaObserver {
  readonly #log: Log;
  readonly #batches = new Tally<string>('topic');
  readonly #records = new Tally<string>('topic');
  readonly #retries = new Tally<AnswerClass>('answer');
  readonly #rejected = new Tally<RefusalReason>('reason', ['too_large', 'refused_by_kafka']);
  readonly #epochs = new Tally<NewEpochCause>('cause');
  readonly #topicChanges = new Tally<TopicChange['kind']>('change', topicChangeKinds);
  readonly #findings = new Tally<TopicFinding['code']>('code');
  readonly #refusals = new Tally<AccessCode>('code', accessCodes);
  readonly #disconnects = new Tally<number>('broker');
  readonly #failedRequests = new Tally<number>('broker');
  readonly #requestTime = new Durations();
  readonly #batchAge = new Durations();
  #requests = 0;
  #requestBytes = 0;
  #rawBytes = 0;
  #sealedBytes = 0;
  #duplicateRecords = 0;
  #possibleDuplicates = 0;
  #splits = 0;
  #brokers = 0;
  #partitions = 0;
  #leaderless = 0;
  #metadataFailures = 0;
  #producerIdFailures = 0;
  #pressure: Pressure = 0;
  #pressureChanges = 0;
  #settleFailures = 0;
  #abandoned = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#exportBatches(metrics);
    this.#exportTroubles(metrics);
    this.#exportCluster(metrics);
  }

  topicFound({ topic, code, message }: TopicFinding): void {
    this.#findings.add(code);
    this.#log.write(code === 'created' ? 'info' : 'warn', 'kafka_topic_checked', message, { topic, code });
  }

  topicChanged({ topic, kind, partitions, movedRecords, possibleDuplicates }: TopicChange): void {
    this.#topicChanges.add(kind);
    this.#possibleDuplicates += possibleDuplicates;
    const fields = { topic, kind, partitions, movedRecords, possibleDuplicates };
    this.#log.write(topicSeverity[kind], 'kafka_topic_changed', topicTexts[kind], fields);
  }

  brokerConnected(nodeId: number, address: string): void {
    this.#log.writeLimited('info', 'kafka_broker_connected', 'connected to a broker', { nodeId, address });
  }

  brokerDisconnected(nodeId: number, address: string, reason: string | undefined): void {
    this.#disconnects.add(nodeId);
    const fields = { nodeId, address, reason };
    const severity = reason === undefined ? 'info' : 'warn';
    this.#log.writeLimited(severity, 'kafka_broker_disconnected', 'the connection to a broker ended', fields);
  }

  brokerUnavailable(nodeId: number, address: string, reason: string, retryInMs: number): void {
    this.#disconnects.add(nodeId);
    const fields = { nodeId, address, reason, retryInMs };
    this.#log.writeLimited('warn', 'kafka_broker_unavailable', 'a broker takes no connection', fields);
  }

  metadataRefreshed(brokers: number, partitions: number, partitionsWithoutLeader: number): void {
    const changed =
      brokers !== this.#brokers || partitions !== this.#partitions || partitionsWithoutLeader !== this.#leaderless;
    this.#brokers = brokers;
    this.#partitions = partitions;
    this.#leaderless = partitionsWithoutLeader;
    if (!changed) return;
    const severity = partitionsWithoutLeader > 0 ? 'warn' : 'info';
    const fields = { brokers, partitions, partitionsWithoutLeader };
    this.#log.writeLimited(severity, 'kafka_metadata_changed', 'the cluster has changed', fields);
  }

  metadataFailed(reason: string, retryInMs: number): void {
    this.#metadataFailures += 1;
    this.#log.writeLimited('warn', 'kafka_metadata_failed', 'no broker could be asked', { reason, retryInMs });
  }

  requestEnded(nodeId: number, batches: number, bytes: number, durationMs: number, failure: string | undefined): void {
    this.#requests += 1;
    this.#requestBytes += bytes;
    this.#requestTime.add(durationMs);
    if (failure === undefined) return;
    this.#failedRequests.add(nodeId);
    const fields = { nodeId, batches, bytes, durationMs, reason: failure };
    this.#log.writeLimited('warn', 'kafka_request_failed', 'a Produce request got no answer', fields);
  }

  batchSealed(_topic: string, _records: number, rawBytes: number, bytes: number): void {
    this.#rawBytes += rawBytes;
    this.#sealedBytes += bytes;
  }

  batchDelivered(topic: string, records: number, duplicate: boolean, ageMs: number): void {
    this.#batches.add(topic);
    this.#records.add(topic, records);
    if (duplicate) this.#duplicateRecords += records;
    this.#batchAge.add(ageMs);
  }

  batchRetried(topic: string, partition: number, answer: AnswerClass, error: string, attempts: number): void {
    this.#retries.add(answer);
    const fields = { topic, partition, answer, reason: error, attempts };
    const severity = answer === 'needs_operator' ? 'error' : 'warn';
    this.#log.writeLimited(severity, 'kafka_batch_retried', 'a batch is kept and sent again', fields);
  }

  batchSplit(topic: string, partition: number, records: number, error: string): void {
    this.#splits += 1;
    const fields = { topic, partition, records, reason: error };
    this.#log.writeLimited('warn', 'kafka_batch_split', 'a refused batch is split', fields);
  }

  recordsRejected(topic: string, reason: RefusalReason, records: number): void {
    this.#rejected.add(reason, records);
    this.#log.writeLimited('error', 'kafka_records_rejected', 'Kafka refused records for good', {
      topic,
      reason,
      records,
    });
  }

  epochStarted(topic: string, partition: number, cause: NewEpochCause, possibleDuplicates: number): void {
    this.#epochs.add(cause);
    this.#possibleDuplicates += possibleDuplicates;
    const fields = { topic, partition, cause, possibleDuplicates };
    this.#log.writeLimited('warn', 'kafka_epoch_started', 'a lane counts its sequence from zero again', fields);
  }

  producerIdFailed(reason: string, retryInMs: number): void {
    this.#producerIdFailures += 1;
    this.#log.writeLimited('warn', 'kafka_producer_id_failed', 'no producer id could be had', { reason, retryInMs });
  }

  accessRefused(where: string, { code, remedy }: AccessFailure): void {
    this.#refusals.add(code);
    this.#log.writeLimited('error', 'kafka_access_refused', 'Kafka does not let the gateway in; it tries again', {
      where,
      code,
      remedy,
    });
  }

  pressureChanged(level: Pressure, records: number, bytes: number): void {
    this.#pressure = level;
    this.#pressureChanges += 1;
    const fields = { level: levels[level], records, bytes };
    this.#log.writeLimited(
      level === 0 ? 'info' : 'warn',
      'kafka_pressure_changed',
      'the watermark has changed',
      fields,
    );
  }

  settleFailed(error: unknown): void {
    this.#settleFailures += 1;
    this.#log.writeLimited(
      'error',
      'kafka_settle_failed',
      'a defect of the gateway: settling threw',
      errorFields(error),
    );
  }

  abandoned(records: number): void {
    this.#abandoned += records;
    const text = 'the drain deadline is over: records are left without an answer';
    this.#log.write(records > 0 ? 'warn' : 'info', 'kafka_records_abandoned', text, { records });
  }

  #exportBatches(metrics: Metrics): void {
    const byTopic = ['topic'];
    metrics.counters('edge_kafka_batches_delivered_total', 'Batches on Kafka.', byTopic, () => this.#batches.samples());
    metrics.counters('edge_kafka_records_delivered_total', 'Records on Kafka, dead letters included.', byTopic, () =>
      this.#records.samples(),
    );
    metrics.counter(
      'edge_kafka_batch_raw_bytes_total',
      'Bytes of sealed batches before compression.',
      () => this.#rawBytes,
    );
    metrics.counter('edge_kafka_batch_bytes_total', 'Bytes of sealed batches as sent.', () => this.#sealedBytes);
    metrics.counter('edge_kafka_requests_total', 'Produce requests that have ended.', () => this.#requests);
    metrics.counter('edge_kafka_request_bytes_total', 'Bytes of Produce requests.', () => this.#requestBytes);
    metrics.durations('edge_kafka_request_seconds', 'From sending a Produce request to its answer.', this.#requestTime);
    metrics.durations('edge_kafka_batch_age_seconds', "From a batch's first record to its delivery.", this.#batchAge);
  }

  #exportTroubles(metrics: Metrics): void {
    metrics.counters(
      'edge_kafka_batch_retries_total',
      'Batches kept to be sent again, by class of answer.',
      ['answer'],
      () => this.#retries.samples(),
    );
    metrics.counters('edge_kafka_requests_failed_total', 'Produce requests without an answer.', ['broker'], () =>
      this.#failedRequests.samples(),
    );
    metrics.counters('edge_kafka_records_rejected_total', 'Records that Kafka refused for good.', ['reason'], () =>
      this.#rejected.samples(),
    );
    metrics.counters('edge_kafka_epochs_started_total', 'Lanes that began a new epoch.', ['cause'], () =>
      this.#epochs.samples(),
    );
    metrics.counter('edge_kafka_batches_split_total', 'Refused batches that were split.', () => this.#splits);
    metrics.counter(
      'edge_kafka_duplicate_records_total',
      'Records that Kafka had from an earlier attempt and did not store again.',
      () => this.#duplicateRecords,
    );
    metrics.counter(
      'edge_kafka_possible_duplicates_total',
      'Records of an unanswered attempt that were sent again in a new epoch.',
      () => this.#possibleDuplicates,
    );
    metrics.counter('edge_kafka_settle_failures_total', 'Defects while settling.', () => this.#settleFailures);
    metrics.counter('edge_kafka_records_abandoned_total', 'Records left at the drain deadline.', () => this.#abandoned);
  }

  #exportCluster(metrics: Metrics): void {
    metrics.gauge('edge_kafka_brokers', 'Brokers of the cluster.', () => this.#brokers);
    metrics.gauge('edge_kafka_partitions', 'Partitions that records go to.', () => this.#partitions);
    metrics.gauge('edge_kafka_partitions_without_leader', 'Those that nobody leads.', () => this.#leaderless);
    metrics.counters('edge_kafka_disconnects_total', 'Ended or failed connections.', ['broker'], () =>
      this.#disconnects.samples(),
    );
    metrics.counters(
      'edge_kafka_access_refused_total',
      'Attempts that failed for TLS, login or permissions, by code.',
      ['code'],
      () => this.#refusals.samples(),
    );
    metrics.counter(
      'edge_kafka_metadata_failures_total',
      'Refreshes of metadata that failed.',
      () => this.#metadataFailures,
    );
    metrics.counter(
      'edge_kafka_producer_id_failures_total',
      'Failed requests for a producer id.',
      () => this.#producerIdFailures,
    );
    metrics.counters(
      'edge_kafka_topic_changes_total',
      'Topics that went missing, came back, grew, or were deleted and created again.',
      ['change'],
      () => this.#topicChanges.samples(),
    );
    metrics.counters('edge_kafka_topic_findings_total', 'What was found about topics at the start.', ['code'], () =>
      this.#findings.samples(),
    );
    metrics.gauge(
      'edge_pressure',
      '0: below the watermarks; 1: above the soft one; 2: above the hard one.',
      () => this.#pressure,
    );
    metrics.counter('edge_pressure_changes_total', 'Crossings of a watermark.', () => this.#pressureChanges);
  }
}
