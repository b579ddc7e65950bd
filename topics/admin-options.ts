import type { AdminOptions } from '@platformatic/kafka';
import { parseAddress } from '../gateway/kafka/connections.ts';
import { secureOptions } from '../gateway/kafka/security/connection-options.ts';
import type { ClusterConnection } from './connection.ts';

const requestTimeoutMs = 15_000;
const connectTimeoutMs = 5000;
const retries = 3;

/**
 * Options of the Kafka library's administration client; it connects with the first question.
 *
 * @throws {KafkaAccessError} when a file of credentials cannot be used.
 */
export function adminOptions({ brokers, security }: ClusterConnection, clientId: string): AdminOptions {
  const hosts = brokers.flatMap((broker) => parseAddress(broker)?.host ?? []);
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retries,
    ...secureOptions(security, hosts, connectTimeoutMs),
  };
}
