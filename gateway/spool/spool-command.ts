import { Command, CommanderError } from 'commander';
import { exportCommand } from './commands/export.ts';
import { CommandFailure } from './commands/failure.ts';
import { inspectCommand } from './commands/inspect.ts';
import { verifyCommand } from './commands/verify.ts';

/** Exit codes: 0 done, 1 damage or failure, 2 unusable arguments or configuration. */
const program = new Command('spool')
  .description(
    'What is in the spool of a gateway. Changes nothing; the gateway may be at work with the same directory.',
  )
  .addHelpText(
    'after',
    '\nExit codes: 0 done; 1 damage was found, or reading failed; 2 unusable arguments or settings.',
  )
  .exitOverride();

for (const command of [inspectCommand, verifyCommand, exportCommand]) {
  program.addCommand(command().copyInheritedSettings(program));
}

// `spool export | head` closes the pipe early; that is no failure.
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
  throw error;
}
