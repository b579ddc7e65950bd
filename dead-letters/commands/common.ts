import type { Command } from 'commander';
import { addresses } from '../../command-line/addresses.ts';
import { CommandFailure } from '../../gateway/command/failure.ts';
import { describeConfigError } from '../../gateway/config/errors.ts';
import { type GatewayConfig, loadConfig } from '../../gateway/config/load.ts';
import type { KeyRing } from '../../gateway/encryption/key-ring.ts';
import type { SecuritySettings } from '../../gateway/kafka/security/settings.ts';
import { Cluster } from '../../record-log/cluster.ts';
import { keysOf, letterOpener, type OpenLetter } from '../open-letters.ts';

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
  readonly security: SecuritySettings;
  readonly deadLetterTopic: string;
  readonly cluster: Cluster;
  /** The keys of the settings; undefined without any. */
  readonly keys: KeyRing | undefined;
  /** Opens encrypted letters with them. */
  readonly open: OpenLetter;
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
  const { tls, sasl } = config.kafka;
  const security = { tls, sasl };
  const keys = await keysOf(config);
  const cluster = new Cluster(brokers, security);
  try {
    const deadLetterTopic = choice.deadLetterTopic ?? config.deadLetterTopic;
    return await use({ config, brokers, security, cluster, deadLetterTopic, keys, open: letterOpener(keys) });
  } finally {
    await cluster.close();
  }
}
