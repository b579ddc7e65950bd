import { Connection } from '@platformatic/kafka';

const CONNECT_TIMEOUT_MS = 1000;
const ANSWER_TIMEOUT_MS = 15_000;

/**
 * Opens a connection to one broker for one exchange. A connection for each: the brokers asked here are being killed,
 * frozen and cut off, and no pool of an admin client has to find that out first.
 *
 * @param address `host:port`
 * @throws whatever `ask` throws, and when the broker does not answer in time
 */
export async function askBroker<T>(
  address: string,
  ask: (connection: Connection) => Promise<T>,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
): Promise<T> {
  const separator = address.lastIndexOf(':');
  const timeouts = { connectTimeout: CONNECT_TIMEOUT_MS, requestTimeout: answerTimeoutMs };
  const connection = new Connection('fault-injector', timeouts);
  // Errors reach the caller through the promises below.
  connection.on('error', () => undefined);
  try {
    await connection.connect(address.slice(0, separator), Number(address.slice(separator + 1)));
    return await ask(connection);
  } finally {
    await connection.close().catch(() => undefined);
  }
}

/**
 * The answer of the first broker that gives one. What changes the cluster may be asked of any broker: it passes it on to
 * the controller of the day.
 *
 * @throws {AggregateError} when none gives one
 */
export async function askAnyBroker<T>(
  bootstrap: readonly string[],
  ask: (connection: Connection) => Promise<T>,
): Promise<T> {
  const failures: unknown[] = [];
  for (const address of bootstrap) {
    try {
      return await askBroker(address, ask);
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, `no broker of ${bootstrap.join(', ')} did what it was asked`);
}
