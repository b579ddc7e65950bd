import { resolve } from 'node:path';
import { Command } from 'commander';
import { addresses } from '../command-line/addresses.ts';
import type { Output } from '../command-line/output.ts';
import { type AclsOptions, aclsCommand } from './acls/options.ts';
import type { Allowed } from './plan.ts';

export interface TopicsOptions {
  readonly action: 'plan' | 'apply';
  readonly file: string;
  /** `host:port` each; undefined: those of the settings to connect with. */
  readonly brokers: readonly string[] | undefined;
  readonly allowed: Allowed;
  /** Settings of a gateway to hold the topics against; undefined: those of a gateway whose settings name nothing. */
  readonly config: string | undefined;
  /** Settings to connect with; undefined: those of `config`. */
  readonly connect: string | undefined;
}

interface Parsed {
  file: string;
  kafka?: string[];
  config?: string;
  connect?: string;
  allowDestructive?: true;
  allowMorePartitions?: true;
}

const defaultFile = resolve(import.meta.dirname, '../schemas/topics.yaml');
const exitCodes = `
Exit codes: 0 the topics are (plan) or were made (apply) as the file says; 1 failed; 2 unusable arguments or file;
3 they differ (plan), or something is refused and nothing was changed (apply).
The last line of output is JSON.`;

/** Reads the arguments; --help and unusable ones end in `output.exit`. */
export function parseTopicsOptions(args: readonly string[], output: Output): TopicsOptions | AclsOptions {
  let chosen: TopicsOptions | AclsOptions | undefined;
  const program = new Command('npm run topics --')
    .description(
      'Holds the topics of a Kafka cluster against a reviewed file; shows and grants permissions. Topics are never deleted.',
    )
    .addHelpText('after', exitCodes)
    .configureOutput({
      ...(output.writeOut === undefined ? {} : { writeOut: output.writeOut }),
      ...(output.writeErr === undefined ? {} : { writeErr: output.writeErr }),
    })
    .exitOverride((error) => output.exit(error.exitCode === 0 ? 0 : 2));
  const descriptions = {
    plan: 'show what differs; changes nothing',
    apply: 'make the topics as the file says; all of the plan, or nothing when something in it is refused',
  };
  for (const action of ['plan', 'apply'] as const) {
    program
      .command(action)
      .description(descriptions[action])
      .option('--file <file>', 'the topics', defaultFile)
      .option('--kafka <host:port,…>', 'brokers (default: kafka.bootstrapBrokers of the settings)', addresses)
      .option('--config <file>', 'settings of a gateway (YAML), to say where the topics do not keep its promises')
      .option('--connect <file>', 'settings of which brokers, TLS and login are used (default: --config)')
      .option('--allow-destructive', 'allow changes that take data or a promise away')
      .option('--allow-more-partitions', 'allow more partitions, which moves keys to other ones')
      .allowExcessArguments(false)
      .copyInheritedSettings(program)
      .addHelpText('after', exitCodes)
      .action(({ file, kafka, config, connect, allowDestructive, allowMorePartitions }: Parsed) => {
        const allowed = { destructive: allowDestructive ?? false, morePartitions: allowMorePartitions ?? false };
        chosen = { action, file, brokers: kafka, allowed, config, connect };
      });
  }
  const acls = aclsCommand((options) => {
    chosen = options;
  });
  program.addCommand(acls.copyInheritedSettings(program));
  program.parse([...args], { from: 'user' });
  // Without a command commander has printed the help and ended.
  return chosen ?? output.exit(2);
}
