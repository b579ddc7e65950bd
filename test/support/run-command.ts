import { type ChildProcess, execFile } from 'node:child_process';
import { join } from 'node:path';

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The last line of the output, when it is JSON. */
  readonly figures: Readonly<Record<string, unknown>> | undefined;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly result: Promise<CommandResult>;
}

/**
 * Runs a command of this repository as people do.
 *
 * @param main from the root of the repository.
 */
export function startCommand(main: string, args: readonly string[], cwd?: string): RunningCommand {
  const file = join(import.meta.dirname, '../..', main);
  let child: ChildProcess | undefined;
  const result = new Promise<CommandResult>((resolve) => {
    const options = { timeout: 110_000, ...(cwd === undefined ? {} : { cwd }) };
    child = execFile(process.execPath, [file, ...args], options, (error, out, err) => {
      const last = out.trim().split('\n').at(-1) ?? '';
      const figures = last.startsWith('{') ? (JSON.parse(last) as Record<string, unknown>) : undefined;
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err, figures });
    });
  });
  return { child: child as ChildProcess, result };
}

export const runCommand = (main: string, args: readonly string[], cwd?: string): Promise<CommandResult> =>
  startCommand(main, args, cwd).result;
