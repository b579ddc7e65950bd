import { Command } from 'commander';
import { runCommand } from '../command/run.ts';
import { addCommand } from './commands/add.ts';
import { disableCommand, enableCommand, removeCommand } from './commands/change.ts';
import { changeCommand } from './commands/change-rights.ts';
import { importCommand } from './commands/import.ts';
import { listCommand } from './commands/list.ts';
import { rotateCommand } from './commands/rotate.ts';

const program = new Command('devices')
  .description(
    'The devices that may connect to the gateway. Changes count within 5 seconds, also for those that are connected.',
  )
  .addHelpText(
    'after',
    '\nExit codes: 0 done; 1 refused or failed, nothing changed; 2 unusable arguments or settings.',
  );

await runCommand(program, [
  addCommand,
  importCommand,
  listCommand,
  changeCommand,
  disableCommand,
  enableCommand,
  rotateCommand,
  removeCommand,
]);
