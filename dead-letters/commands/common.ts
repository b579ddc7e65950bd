import type { Command } from 'commander';
import { addresses } from '../../command-line/addresses.ts';
import { CommandFailure } from '../../gateway/command/failure.ts';
import { describeConfigError } from '../../gateway/config/errors.ts';
import { type GatewayConfig, loadConfig } from '../../gateway/config/load.ts';
import { Cluster } from '../../record-log/cluster.ts';

export interface LettersChoice {
  readonly config?: string;
  readonly kafka?: string[];
  readonly deadLetterTopic?: string;
}

/** Adds the options that say where the letters are. */
export const withLetters = (command: Command): Command =>
  command
    .option('--config <file>', "the gateway's YAML file: brokers, dead-letter topic, and for replay everything else")
    .option('--kafka <host:port,…>', 'brokers (default: kafka.bootstrapBrokers of the configuration)', addresses)
    .option('--dead-letter-topic <topic>', '(default: deadLetterTopic of the configuration)')
    .allowExcessArguments(false);

/** Where the letters are, and the settings that publishes are judged by. */
export interface Source {
  readonly config: GatewayConfig;
  readonly brokers: readonly string[];
  readonly deadLetterTopic: string;
  readonly cluster: Cluster;
}

/** Calls `use` with what was chosen, and closes its connections. @throws {CommandFailure} for unusable settings. */
export async function withSource<Result>(
  choice: LettersChoice,
  use: (source: Source) => Promise<Result>,
): Promise<Result> {
  const loaded = loadConfig({ file: choice.config });
  if (!loaded.ok) throw new CommandFailure(loaded.errors.map(describeConfigError).join('\n'), 2);
  const { config } = loaded;
  const brokers = choice.kafka ?? config.kafka.bootstrapBrokers;
  const cluster = new Cluster(brokers);
  try {
    return await use({ config, brokers, cluster, deadLetterTopic: choice.deadLetterTopic ?? config.deadLetterTopic });
  } finally {
    await cluster.close();
  }
}
