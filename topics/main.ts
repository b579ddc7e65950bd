import { CodedError } from '../gateway/core/coded-error.ts';
import { KafkaAcls } from './acls/kafka-acls.ts';
import { runAcls } from './acls/run.ts';
import { checkAccess } from './check-access.ts';
import { readConnection } from './connection.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { parseTopicsOptions } from './options.ts';
import { exitCodes, runTopics } from './run.ts';

// `topics plan | head` closes the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const print = {
  out: (line: string) => process.stdout.write(`${line}\n`),
  err: (line: string) => process.stderr.write(`${line}\n`),
};
process.exitCode = await run();

async function run(): Promise<number> {
  const options = parseTopicsOptions(process.argv.slice(2), { exit: (code) => process.exit(code) });
  const found = readConnection(options.connect ?? options.config, options.brokers);
  if (!found.ok) {
    for (const problem of found.problems) print.err(problem);
    return exitCodes.unusable;
  }
  const { connection } = found;
  try {
    await checkAccess(connection);
    if (options.action === 'acls') {
      return await closing(new KafkaAcls(connection), (cluster) => runAcls(options, cluster, print));
    }
    const located = { ...options, brokers: connection.brokers };
    return await closing(new KafkaCluster(connection), (cluster) => runTopics(located, cluster, print));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    print.err(`topics: ${error.message}`);
    return exitCodes.failed;
  }
}

/** Calls `use` with a client of the cluster, and closes it. */
async function closing<Client extends { close(): Promise<void> }>(
  client: Client,
  use: (client: Client) => Promise<number>,
): Promise<number> {
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
