import { apiVersionsV3 } from '@platformatic/kafka';
import { causeOf, discard, newConnection, opened, parseAddress } from '../gateway/kafka/connections.ts';
import { accessFailureOf, describeRefusal, KafkaAccessError } from '../gateway/kafka/security/access-failure.ts';
import type { ClusterConnection } from './connection.ts';

const deadlineMs = 5000;
const clientId = 'edge-ingest-topics';

/**
 * Knocks at the brokers, one after the other, until one lets this client in. The Kafka library's own clients do not tell
 * a refusal by TLS from a broker that is down, and try long. Brokers that do not answer are left to those.
 *
 * @throws {KafkaAccessError} when none lets it in.
 */
export async function checkAccess({ brokers, security }: ClusterConnection): Promise<void> {
  let refusal: KafkaAccessError | undefined;
  for (const broker of brokers) {
    try {
      await knock(broker, security);
      return;
    } catch (error) {
      const failure = accessFailureOf(error);
      if (failure !== undefined) refusal = new KafkaAccessError(failure.code, `${broker}: ${describeRefusal(error)}`);
    }
  }
  if (refusal !== undefined) throw refusal;
}

async function knock(broker: string, security: ClusterConnection['security']): Promise<void> {
  const address = parseAddress(broker);
  if (address === undefined) throw new Error(`${broker} is not host:port`);
  const connection = newConnection({ clientId, maxRequestsInFlightPerBroker: 1, ...security }, address, deadlineMs);
  try {
    await opened(connection, address);
    await apiVersionsV3.api.async(connection, clientId, '1');
  } catch (error) {
    throw causeOf(connection, error);
  } finally {
    discard(connection);
  }
}
