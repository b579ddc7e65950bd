import { Command, Option } from 'commander';
import { addresses } from '../../command-line/addresses.ts';
import type { Purpose } from './needed.ts';

export interface AclsOptions {
  readonly action: 'acls';
  readonly apply: boolean;
  /** Settings of the gateway that the permissions are for; undefined: the default ones. */
  readonly config: string | undefined;
  /** Settings to connect with; undefined: those of `config`. */
  readonly connect: string | undefined;
  readonly brokers: readonly string[] | undefined;
  readonly purpose: Purpose;
  /** `User:name`; undefined: the user of the settings. */
  readonly principal: string | undefined;
}

interface Parsed {
  readonly config?: string;
  readonly connect?: string;
  readonly kafka?: string[];
  readonly for: 'gateway' | 'dead-letters' | 'replay';
  readonly topic?: string;
  readonly toTopic?: string;
  readonly principal?: string;
  readonly apply?: true;
}

const notes = `
Marks: = granted, + missing, ! forbidden by a rule. Whoever runs this needs Describe on the cluster, and Alter to apply.

Exit codes: 0 all are granted, or were; 1 failed; 2 unusable arguments or settings; 3 some are missing or forbidden.
The last line of output is JSON.`;

/** `topics acls`. @param chosen told what was chosen, if it is usable. */
export const aclsCommand = (chosen: (options: AclsOptions) => void): Command =>
  new Command('acls')
    .description('show the least permissions that the gateway needs, and with --apply grant those that are missing')
    .option('--config <file>', 'settings of the gateway (YAML) that they are derived from (default: its defaults)')
    .option(
      '--connect <file>',
      'settings of which brokers, TLS and login are used, of somebody who may (default: --config)',
    )
    .option('--kafka <host:port,…>', 'brokers (default: kafka.bootstrapBrokers of the settings)', addresses)
    .option('--principal <principal>', 'who is to have them (default: User: and kafka.sasl.userName)')
    .addOption(
      new Option('--for <purpose>', 'what they are for')
        .choices(['gateway', 'dead-letters', 'replay'])
        .default('gateway'),
    )
    .option('--topic <topic>', 'with --for replay: the topic to copy from')
    .option('--to-topic <topic>', 'with --for replay: the topic to copy to')
    .option('--apply', 'grant what is missing; nothing is ever taken away')
    .allowExcessArguments(false)
    .addHelpText('after', notes)
    .action((parsed: Parsed, command: Command) => {
      const { config, connect, kafka, principal } = parsed;
      if (principal !== undefined && !/^[A-Za-z]+:.+$/.test(principal)) {
        command.error('error: --principal must be like User:edge-gateway', { exitCode: 2 });
      }
      const purpose = purposeOf(parsed, command);
      const apply = parsed.apply ?? false;
      chosen({ action: 'acls', apply, config, connect, brokers: kafka, purpose, principal });
    });

function purposeOf({ for: kind, topic, toTopic }: Parsed, command: Command): Purpose {
  if (kind !== 'replay') return { kind };
  if (topic === undefined || toTopic === undefined) {
    return command.error('error: --for replay needs --topic and --to-topic', { exitCode: 2 });
  }
  return { kind, from: topic, to: toTopic };
}
