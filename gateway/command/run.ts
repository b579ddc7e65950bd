import { type Command, CommanderError } from 'commander';
import { CodedError } from '../core/coded-error.ts';
import { CommandFailure } from './failure.ts';

/**
 * Runs an administration command with the arguments of the process. Exit codes: 0 done; that of the `CommandFailure`,
 * whose message goes to standard error; 1 for an error with a
 * code, likewise; 2 for arguments that commander refused, having said why. Anything else is a
 * defect and is thrown.
 *
 * @param subcommands made by functions, so that each inherits the settings of `program`.
 */
export async function runCommand(program: Command, subcommands: readonly (() => Command)[]): Promise<void> {
  program.exitOverride();
  for (const subcommand of subcommands) program.addCommand(subcommand().copyInheritedSettings(program));
  // `list | head` closes the pipe early; that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof CommandFailure) {
    console.error(error.message);
    return error.exitCode;
  }
  if (error instanceof CodedError) {
    console.error(error.message);
    return 1;
  }
  throw error;
}
