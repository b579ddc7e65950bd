import { Command } from 'commander';
import { runCommand } from '../../command/run.ts';
import { createCommand } from './commands/create.ts';
import { listCommand } from './commands/list.ts';
import { revokeCommand } from './commands/revoke.ts';

const program = new Command('admin-tokens')
  .description('The tokens of the administration API. There is none until one is created here.')
  .addHelpText(
    'after',
    '\nExit codes: 0 done; 1 refused or failed, nothing changed; 2 unusable arguments or settings.',
  );

await runCommand(program, [createCommand, listCommand, revokeCommand]);
