import { Command } from 'commander';
import { describeConfigError } from './config/errors.ts';
import { loadConfig } from './config/load.ts';
import { printConfig } from './config/mask.ts';
import { Gateway } from './gateway.ts';
import { describeStartFailure } from './start-failure.ts';

/** Exit codes: 0 drained; 1 could not start, or something was left unsettled; 2 unusable settings or arguments. */
const program = new Command('npm start --')
  .description('MQTT to Kafka ingestion gateway: a PUBACK means that the record is on Kafka, on all in-sync replicas.')
  .option(
    '--config <file>',
    'settings (YAML); every one can be overridden by the environment, see docs/configuration.md',
  )
  .option('--print-config', 'print the effective settings with secrets masked, and exit')
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();
const options = program.opts<{ config?: string; printConfig?: true }>();

const loaded = loadConfig({ file: options.config });
if (!loaded.ok) {
  for (const error of loaded.errors) process.stderr.write(`${describeConfigError(error)}\n`);
  process.exit(2);
}
if (options.printConfig) {
  process.stdout.write(printConfig(loaded.config));
  process.exit(0);
}

const gateway = createGateway();
let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    // A second signal is somebody who will not wait: what is unsettled stays unanswered, as after a crash.
    if (stopping) process.exit(1);
    stopping = true;
    void gateway.stop(signal).then((clean) => process.exit(clean ? 0 : 1));
  });
}
// What it does by default is to end the process.
process.on('SIGHUP', () => gateway.reload('SIGHUP'));
// The state after an unknown error is unknown too. Nothing acknowledged is lost by ending: devices send the rest again.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    gateway.crashed(error);
    process.exit(1);
  });
}
const { config } = loaded;
await gateway.start().catch((error: unknown) => {
  // Logged too, for machines; this line is for whoever typed the command.
  process.stderr.write(`${describeStartFailure(error, config)}\n`);
  process.exit(1);
});

function createGateway(): Gateway {
  if (!loaded.ok) process.exit(2);
  try {
    const file = options.config;
    return new Gateway(loaded.config, { file, read: () => loadConfig({ file }) });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}
