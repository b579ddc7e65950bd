import { Command } from 'commander';
import { runCommand } from '../command/run.ts';
import { runSchemas, type SchemasChoice } from './run.ts';

const exitCodes = `
Exit codes: 0 every schema is registered or could be (check), or is registered now (register); 1 a schema is incompatible,
or the registry failed; 2 unusable arguments, settings, schemas or .proto files.
The last line of output is JSON.`;

const subcommand = (action: 'check' | 'register', description: string) => (): Command =>
  new Command(action)
    .description(description)
    .option('--config <file>', 'settings of the gateway (YAML): registry, routes, compatibility mode')
    .option('--json', 'print the JSON only')
    .allowExcessArguments(false)
    .addHelpText('after', exitCodes)
    .action((choice: SchemasChoice) => runSchemas(action, choice));

const program = new Command('npm run schemas --')
  .description(
    'Holds the schemas that a gateway writes, and the .proto files of its devices, against the schema registry.',
  )
  .addHelpText('after', exitCodes);

await runCommand(program, [
  subcommand('check', 'say what is registered, what is new, and what breaks and why; changes nothing'),
  subcommand('register', 'register what is new; nothing at all when something is incompatible'),
]);
