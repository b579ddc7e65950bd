import { type KafkaOptions, type LocalKafka, startKafka } from './kafka.ts';
import { type LocalRegistry, type RegistryOptions, startRegistry } from './registry.ts';
import { startAll } from './start-all.ts';

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
  const [kafka, registry] = await startAll<[LocalKafka, LocalRegistry]>(
    [(signal) => startKafka({ ...options.kafka, signal }), (signal) => startRegistry({ ...options.registry, signal })],
    (server) => server.close(),
    options.signal,
  );
  return { kafka, registry };
}
