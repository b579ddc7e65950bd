import { CommandFailure } from '../gateway/command/failure.ts';
import { CodedError } from '../gateway/core/coded-error.ts';
import { Reporter, stopSignal } from '../record-log/reporter.ts';
import { parseReplayOptions } from './options.ts';
import { replay } from './run.ts';

const reporter = new Reporter('replay');
const options = parseReplayOptions(process.argv.slice(2), { exit: (code) => process.exit(code) }, Date.now());
try {
  const figures = await replay(options, reporter, stopSignal());
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  if (!figures.complete) reporter.say(`stopped; the same command goes on (${options.progressFile})`);
  process.exitCode = figures.complete ? 0 : 1;
} catch (error) {
  if (!(error instanceof CommandFailure || error instanceof CodedError)) throw error;
  reporter.say(error.message);
  process.exitCode = error instanceof CommandFailure ? error.exitCode : 1;
}
