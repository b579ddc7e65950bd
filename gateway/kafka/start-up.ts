import { setTimeout as delay } from 'node:timers/promises';
import type { ProducerIdentity } from '../record-batch/sealed-batch.ts';
import { backoffMs } from './backoff.ts';
import type { ControlChannel } from './control-channel.ts';
import { KafkaError } from './errors.ts';
import { type ClusterView, viewOf } from './metadata.ts';
import type { KafkaObservers } from './observer.ts';
import { fetchProducerIdentity, whereIdsComeFrom } from './producer-id.ts';
import { accessFailureOf, describeRefusal } from './security/access-failure.ts';
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
 * @throws {KafkaError} `kafka_unreachable`, or `kafka_refused` when Kafka does not let the client in, when that takes
 * longer than `startTimeoutMs`; what of `prepareTopics` waiting cannot mend.
 */
export async function startUp(
  control: ControlChannel,
  topics: readonly string[],
  settings: KafkaSettings,
  { observer, access }: KafkaObservers,
): Promise<StartUp> {
  const deadlineMs = performance.now() + (settings.startTimeoutMs ?? defaultStartTimeoutMs);
  const metadata = await until(
    deadlineMs,
    settings,
    () => prepareTopics(control, topics, settings, observer),
    (error, retryInMs) => {
      access.failed(whereTopicsAre, error);
      observer.metadataFailed(describeRefusal(error), retryInMs);
    },
  );
  access.succeeded(whereTopicsAre);
  // Tried again by itself: a cluster that is just starting has no ids yet, and the topics are checked already.
  const identity = await until(
    deadlineMs,
    settings,
    () => fetchProducerIdentity(control),
    (error, retryInMs) => {
      access.failed(whereIdsComeFrom, error);
      observer.producerIdFailed(describeRefusal(error), retryInMs);
    },
  );
  access.succeeded(whereIdsComeFrom);
  return { view: viewOf(metadata), identity };
}

/** In the eyes of the `AccessWatch`: all of them. */
const whereTopicsAre = 'topics';

async function until<Result>(
  deadlineMs: number,
  settings: KafkaSettings,
  attempt: () => Promise<Result>,
  failed: (error: unknown, retryInMs: number) => void,
): Promise<Result> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof KafkaError) throw error;
      const pauseMs = backoffMs(failures, settings);
      failed(error, pauseMs);
      if (performance.now() + pauseMs > deadlineMs) throw failureOf(error, settings);
      await delay(pauseMs);
    }
  }
}

function failureOf(error: unknown, settings: KafkaSettings): KafkaError {
  const { bootstrapBrokers, startTimeoutMs = defaultStartTimeoutMs } = settings;
  const brokers = bootstrapBrokers.join(', ');
  const reason = describeRefusal(error);
  return accessFailureOf(error) === undefined
    ? new KafkaError(
        'kafka_unreachable',
        `no answer from Kafka (${brokers}) within ${startTimeoutMs} ms: ${reason}`,
        error,
      )
    : new KafkaError('kafka_refused', `Kafka (${brokers}) does not let this client in: ${reason}`, error);
}
