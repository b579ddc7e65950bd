import { setTimeout as delay } from 'node:timers/promises';
import type { ProducerIdentity } from '../record-batch/sealed-batch.ts';
import { backoffMs } from './backoff.ts';
import type { ControlChannel } from './control-channel.ts';
import { describeFailure } from './error-classes.ts';
import { KafkaError } from './errors.ts';
import { type ClusterView, viewOf } from './metadata.ts';
import type { KafkaObserver } from './observer.ts';
import { fetchProducerIdentity } from './producer-id.ts';
import { defaultStartTimeoutMs, type KafkaSettings } from './settings.ts';
import { prepareTopics } from './topics.ts';

/** What a producer has to know before the first record. */
export interface StartUp {
  readonly view: ClusterView;
  readonly identity: ProducerIdentity;
}

/**
 * Makes sure of the topics and gets a producer id; tries again while the cluster may only just be starting.
 *
 * @throws {KafkaError} `kafka_unreachable` when that takes longer than `startTimeoutMs`; what `prepareTopics` throws.
 */
export async function startUp(
  control: ControlChannel,
  topics: readonly string[],
  settings: KafkaSettings,
  observer: KafkaObserver,
): Promise<StartUp> {
  const deadlineMs = performance.now() + (settings.startTimeoutMs ?? defaultStartTimeoutMs);
  const metadata = await until(
    deadlineMs,
    settings,
    () => prepareTopics(control, topics, settings, observer),
    (reason, retryInMs) => observer.metadataFailed(reason, retryInMs),
  );
  // Tried again by itself: a cluster that is just starting has no ids yet, and the topics are checked already.
  const identity = await until(
    deadlineMs,
    settings,
    () => fetchProducerIdentity(control),
    (reason, retryInMs) => observer.producerIdFailed(reason, retryInMs),
  );
  return { view: viewOf(metadata), identity };
}

async function until<Result>(
  deadlineMs: number,
  settings: KafkaSettings,
  attempt: () => Promise<Result>,
  failed: (reason: string, retryInMs: number) => void,
): Promise<Result> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof KafkaError) throw error;
      const reason = describeFailure(error);
      const pauseMs = backoffMs(failures, settings);
      if (performance.now() + pauseMs > deadlineMs) {
        const { bootstrapBrokers, startTimeoutMs = defaultStartTimeoutMs } = settings;
        const message = `no answer from Kafka (${bootstrapBrokers.join(', ')}) within ${startTimeoutMs} ms: ${reason}`;
        throw new KafkaError('kafka_unreachable', message, error);
      }
      failed(reason, pauseMs);
      await delay(pauseMs);
    }
  }
}
