import { Command } from 'commander';
import { runCommand } from '../command/run.ts';
import { exportCommand } from './commands/export.ts';
import { inspectCommand } from './commands/inspect.ts';
import { verifyCommand } from './commands/verify.ts';

const program = new Command('spool')
  .description(
    'What is in the spool of a gateway. Changes nothing; the gateway may be at work with the same directory.',
  )
  .addHelpText(
    'after',
    '\nExit codes: 0 done; 1 damage was found, or reading failed; 2 unusable arguments or settings.',
  );

await runCommand(program, [inspectCommand, verifyCommand, exportCommand]);
