import { Argument, Command, Option } from 'commander';
import { stringify } from 'yaml';
import { CommandFailure } from '../command/failure.ts';
import { runCommand } from '../command/run.ts';
import { type RulesResult, readRules, readRulesFile } from '../config/authorization-rules.ts';
import { describeConfigError } from '../config/errors.ts';
import { loadConfig } from '../config/load.ts';
import { type AccessAction, accessActions, type IdentityKind, identityKinds } from '../core/authorization/rule.ts';
import type { Identity } from '../core/identity.ts';
import { explain } from './explain.ts';

interface Choice {
  readonly config?: string;
  readonly rules?: string;
  readonly kind?: IdentityKind;
  readonly boundTo?: string;
  readonly device?: string;
  readonly group?: readonly string[];
  readonly json?: true;
}

const help = `
Examples:
  npm run authorize -- publish v1/vehicles/veh-1/telemetry --kind vehicle --bound-to veh-1
  npm run authorize -- subscribe v1/vehicles/veh-2/commands --kind vehicle --bound-to veh-1 --config gateway.yaml
  npm run authorize -- rules > rules.yaml          the rules that apply, to begin one's own from
  npm run authorize -- rules --rules rules.yaml    checks a file before it is put into place

Exit codes: 0 allowed, or rules that are right; 1 denied; 2 unusable arguments, settings or rules.`;

const program = new Command('npm run authorize --')
  .description('Says what a device may do by the rules of a gateway, and which rule decides it. Asks no gateway.')
  .addArgument(
    new Argument('<action>', 'what the device wants, or `rules` to print them').choices([...accessActions, 'rules']),
  )
  .argument('[topic]', 'topic, or topic filter to subscribe to')
  .option('--config <file>', 'settings of the gateway (YAML): its routes and rules')
  .option('--rules <file>', 'these rules in place of those of the settings')
  .addOption(new Option('--kind <kind>', 'kind of the device').choices(identityKinds))
  .option('--bound-to <id>', 'the vehicle or bay that it is bound to')
  .option('--device <id>', 'its id; needed where a rule says {deviceId}')
  .addOption(new Option('--group <name>', 'a group that it is in; may be given several times').argParser(collect))
  .option('--json', 'print one line of JSON')
  .allowExcessArguments(false)
  .addHelpText('after', help)
  .action(run);

await runCommand(program, []);

function collect(group: string, before: readonly string[] = []): readonly string[] {
  return [...before, group];
}

function run(action: AccessAction | 'rules', topic: string | undefined, choice: Choice): void {
  const { routes, authorization } = settingsOf(choice);
  const rules = usable(
    choice.rules === undefined ? readRules(authorization, routes) : readRulesFile(choice.rules, routes),
  );
  if (action === 'rules') {
    if (topic !== undefined) throw new CommandFailure('rules takes no topic', 2);
    process.stdout.write(choice.json ? `${JSON.stringify({ rules })}\n` : stringify({ rules }, { lineWidth: 0 }));
    return;
  }
  const explanation = explain({ action, topic: topicOf(action, topic), identity: identityOf(choice) }, rules, routes);
  const { text, ...figures } = explanation;
  process.stdout.write(`${choice.json ? JSON.stringify(figures) : text}\n`);
  process.exitCode = explanation.allowed ? 0 : 1;
}

function settingsOf({ config }: Choice) {
  const result = loadConfig({ file: config });
  if (result.ok) return result.config;
  throw new CommandFailure(result.errors.map(describeConfigError).join('\n'), 2);
}

function usable({ rules, problems }: RulesResult) {
  if (rules !== undefined) return rules;
  throw new CommandFailure(problems, 2);
}

function topicOf(action: AccessAction, topic: string | undefined): string {
  if (topic === undefined || topic === '') throw new CommandFailure(`name the topic: ${action} <topic>`, 2);
  if (action !== 'subscribe' && /[+#]/.test(topic)) {
    throw new CommandFailure(
      `a device can't ${action === 'will' ? 'leave a will for' : 'publish to'} a wildcard: ${topic}`,
      2,
    );
  }
  return topic;
}

function identityOf({ kind, boundTo = '', device = '', group = [] }: Choice): Identity {
  if (kind === undefined) throw new CommandFailure(`name the kind of the device: --kind ${identityKinds.join('|')}`, 2);
  if (kind === 'anonymous' && boundTo !== '')
    throw new CommandFailure('an anonymous client is bound to nothing: leave --bound-to out', 2);
  if (kind !== 'anonymous' && boundTo === '')
    throw new CommandFailure(`name the ${kind} that the device is bound to: --bound-to <id>`, 2);
  return { deviceId: device, kind, boundTo, groups: group };
}
