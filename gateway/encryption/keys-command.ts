import { Command } from 'commander';
import { runCommand } from '../command/run.ts';
import { addCommand } from './commands/add.ts';
import { useCommand } from './commands/use.ts';

const program = new Command('npm run keys --')
  .description('The file of keys that records and the spool are encrypted under, see docs/encryption.md.')
  .addHelpText('after', '\nKeys are never printed. Exit codes: 0 done; 1 refused or failed; 2 unusable arguments.');

await runCommand(program, [addCommand, useCommand]);
