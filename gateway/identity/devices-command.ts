import { Command, CommanderError } from 'commander';
import { addCommand } from './commands/add.ts';
import { disableCommand, enableCommand, removeCommand } from './commands/change.ts';
import { CommandFailure } from './commands/failure.ts';
import { importCommand } from './commands/import.ts';
import { listCommand } from './commands/list.ts';
import { rotateCommand } from './commands/rotate.ts';
import { DeviceRegistryError } from './registry-error.ts';

/** Exit codes: 0 done, 1 refused or failed (nothing was changed), 2 unusable arguments or configuration. */
const program = new Command('devices')
  .description('The devices that may connect to the gateway. Changes take effect with the next connect of a device.')
  .addHelpText('after', '\nExit codes: 0 done; 1 refused or failed, nothing changed; 2 unusable arguments or settings.')
  .exitOverride();

for (const command of [
  addCommand,
  importCommand,
  listCommand,
  disableCommand,
  enableCommand,
  rotateCommand,
  removeCommand,
]) {
  program.addCommand(command().copyInheritedSettings(program));
}

// `devices list | head` closes the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** Says what went wrong, unless commander has, and classifies it. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof CommandFailure) {
    console.error(error.message);
    return error.exitCode;
  }
  if (error instanceof DeviceRegistryError) {
    console.error(error.message);
    return 1;
  }
  throw error;
}
