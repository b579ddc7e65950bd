import { type KafkaOptions, type LocalKafka, startKafka } from './kafka.ts';
import { type LocalRegistry, type RegistryOptions, startRegistry } from './registry.ts';

/** A local Kafka and the registry that was started with it. */
export interface LocalPair {
  readonly kafka: LocalKafka;
  readonly registry: LocalRegistry;
}

/**
 * Starts Kafka and a schema registry side by side. When one fails, the other is given up or ended.
 *
 * @throws {LocalServerError} that of the one which failed first; or the reason of `signal`
 */
export async function startTogether(options: {
  readonly kafka: KafkaOptions;
  readonly registry: RegistryOptions;
  readonly signal?: AbortSignal;
}): Promise<LocalPair> {
  const giveUp = new AbortController();
  const signal = options.signal === undefined ? giveUp.signal : AbortSignal.any([giveUp.signal, options.signal]);
  const abortOther = (error: unknown): never => {
    // Only the first reason counts: the other's end because of it is not the cause.
    giveUp.abort(error);
    throw error;
  };
  const [kafka, registry] = await Promise.allSettled([
    startKafka({ ...options.kafka, signal }).catch(abortOther),
    startRegistry({ ...options.registry, signal }).catch(abortOther),
  ]);
  if (kafka.status === 'fulfilled' && registry.status === 'fulfilled') {
    return { kafka: kafka.value, registry: registry.value };
  }
  const started = [kafka, registry].flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  await Promise.all(started.map((server) => server.close()));
  throw signal.reason;
}
