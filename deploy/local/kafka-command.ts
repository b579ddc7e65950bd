import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type KafkaOptions, type LocalKafka, startKafka } from './kafka.ts';
import { LocalServerError } from './progress.ts';
import { startTogether } from './start-together.ts';

/** The arguments of `npm run kafka`. */
export interface KafkaCommandOptions {
  readonly brokers: 1 | 3;
  readonly dir?: string;
  readonly port: number;
  /** `false` for --no-registry. */
  readonly registry: boolean;
  readonly registryPort: number;
}

/** 0 ended by a signal or after --help, 1 a server could not start or died, 2 unusable arguments. */
export type ExitCode = 0 | 1 | 2;

/**
 * Runs Kafka and a schema registry in the foreground, until SIGINT or SIGTERM or the death of a server.
 *
 * @param args without the program's name
 */
export async function runKafkaCommand(args: readonly string[]): Promise<ExitCode> {
  let options: KafkaCommandOptions;
  try {
    options = parseKafkaArguments(args);
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : 2;
    }
    throw error;
  }
  return runServers(options);
}

/**
 * Reads the arguments; writes help to standard output and refusals to standard error.
 *
 * @throws {CommanderError} with exit code 0 after --help, else for what is refused
 */
export function parseKafkaArguments(args: readonly string[]): KafkaCommandOptions {
  const command = new Command('kafka')
    .description('Runs Apache Kafka and a schema registry on this machine, from their jars, in the foreground.')
    .addOption(
      new Option('--brokers <count>', 'how many brokers: 1, or 3 that replicate').default(1).argParser(brokerCount),
    )
    .option('--dir <dir>', 'keep the data here and use it again; without it, data is temporary')
    .option('--port <port>', 'port of the first broker, the others take the next ones', portNumber, 9092)
    .option('--registry-port <port>', 'port of the schema registry', portNumber, 8081)
    .option('--no-registry', 'Kafka alone')
    .allowExcessArguments(false)
    .exitOverride();
  command.parse([...args], { from: 'user' });
  return command.opts<KafkaCommandOptions>();
}

async function runServers(options: KafkaCommandOptions): Promise<ExitCode> {
  const stop = new AbortController();
  const died = Promise.withResolvers<LocalServerError>();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      // The second signal: whoever sent it will not wait. The servers end with this process.
      process.exit(1);
    }
    say(`${signal}: ending`);
    stop.abort(signal);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
  try {
    const servers = await startServers(options, stop.signal, died.resolve);
    say(servers.readyLine);
    const failure = await Promise.race([died.promise, aborted(stop.signal)]);
    await servers.close();
    if (failure !== undefined) {
      complain(failure);
      return 1;
    }
    say('ended');
    return 0;
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) {
      return 0;
    }
    complain(error);
    return 1;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onSignal);
  }
}

interface RunningServers {
  readonly readyLine: string;
  close(): Promise<void>;
}

async function startServers(
  options: KafkaCommandOptions,
  signal: AbortSignal,
  onUnexpectedEnd: (error: LocalServerError) => void,
): Promise<RunningServers> {
  const common = { onLog: say, onUnexpectedEnd };
  const kafkaOptions: KafkaOptions = {
    ...common,
    brokers: options.brokers,
    ports: Array.from({ length: options.brokers }, (_, index) => options.port + index),
    ...(options.dir === undefined ? {} : { dir: options.dir }),
  };
  if (!options.registry) {
    const kafka = await startKafka({ ...kafkaOptions, signal });
    return { readyLine: `ready: ${describe(kafka)}`, close: () => kafka.close() };
  }
  const registryDir = options.dir === undefined ? {} : { dir: `${options.dir}/registry` };
  const registryOptions = { ...common, port: options.registryPort, ...registryDir };
  const { kafka, registry } = await startTogether({ kafka: kafkaOptions, registry: registryOptions, signal });
  return {
    readyLine: `ready: ${describe(kafka)}, schema registry ${registry.url}`,
    close: async () => {
      await Promise.all([kafka.close(), registry.close()]);
    },
  };
}

function describe(kafka: LocalKafka): string {
  return `Kafka ${kafka.bootstrap.join(',')}`;
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(undefined);
    }
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function brokerCount(text: string): 1 | 3 {
  const count = Number(text);
  if (count !== 1 && count !== 3) {
    throw new InvalidArgumentError('It must be 1 or 3.');
  }
  return count;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('It must be a port number from 1 to 65535.');
  }
  return port;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What a user can do something about is told in one message; anything else is a fault of this program, with its trace. */
function complain(error: unknown): void {
  const text = error instanceof LocalServerError ? error.message : ((error as Error).stack ?? String(error));
  process.stderr.write(`kafka: ${text}\n`);
}
