import { KafkaCluster } from './kafka-cluster.ts';
import { parseTopicsOptions } from './options.ts';
import { runTopics } from './run.ts';

// `topics plan | head` closes the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const options = parseTopicsOptions(process.argv.slice(2), { exit: (code) => process.exit(code) });
const cluster = new KafkaCluster(options.brokers);
try {
  process.exitCode = await runTopics(options, cluster, {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  });
} finally {
  await cluster.close();
}
