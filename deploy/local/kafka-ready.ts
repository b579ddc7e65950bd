import { Connection, metadataV12 } from '@platformatic/kafka';

/**
 * Asks one broker which brokers it sees. In KRaft its metadata lists those that are registered and not fenced, so a
 * broker that lists itself serves requests.
 *
 * @param address `host:port`
 * @returns the node ids that the broker lists
 * @throws when it does not answer within a second
 */
export async function visibleBrokers(address: string): Promise<number[]> {
  const metadata = await askMetadata(address, []);
  return metadata.brokers.map((broker) => broker.nodeId);
}

/**
 * Asks one broker for how many partitions of `topic` it knows a leader; 0 when it does not know the topic.
 *
 * @param address `host:port`
 * @throws when it does not answer within a second
 */
export async function visibleLeaders(address: string, topic: string): Promise<number> {
  const metadata = await askMetadata(address, [topic]);
  const partitions = metadata.topics.flatMap((entry) => entry.partitions);
  return partitions.filter((partition) => partition.errorCode === 0 && partition.leaderId >= 0).length;
}

async function askMetadata(address: string, topics: string[]): Promise<metadataV12.MetadataResponse> {
  const separator = address.lastIndexOf(':');
  const connection = new Connection('local-kafka-ready', { connectTimeout: 1000, requestTimeout: 1000 });
  // Errors reach the caller through the promises below.
  connection.on('error', () => undefined);
  try {
    await connection.connect(address.slice(0, separator), Number(address.slice(separator + 1)));
    return await metadataV12.api.async(connection, topics, false, false);
  } finally {
    await connection.close().catch(() => undefined);
  }
}
