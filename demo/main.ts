import { LocalServerError } from '../deploy/local/progress.ts';
import { interruptions } from '../device-simulator/interruptions.ts';
import { Screen } from '../device-simulator/report/screen.ts';
import { NoConnectionError } from '../device-simulator/run.ts';
import { VerifyError } from '../device-simulator/verify/errors.ts';
import { runDemo } from './demo.ts';
import { parseDemoArguments } from './settings.ts';

const isExpected = (error: unknown): error is Error =>
  error instanceof LocalServerError || error instanceof NoConnectionError || error instanceof VerifyError;

/** Exit codes: 0 good verdict; 1 bad verdict, or something is missing or failed; 2 unusable arguments; 130 interrupted early. */
async function main(): Promise<number> {
  const settings = parseDemoArguments(
    process.argv.slice(2),
    (text) => process.stdout.write(text),
    (text) => process.stderr.write(text),
  );
  if (typeof settings === 'number') return settings;
  const screen = new Screen(process.stdout);
  try {
    const result = await runDemo(settings, screen, interruptions(screen, 'stopping'));
    if (!result) return 130;
    screen.print(JSON.stringify(result.verdict));
    return result.faults.length === 0 ? 0 : 1;
  } catch (error) {
    if (!isExpected(error)) throw error;
    process.stderr.write(`demo: ${error.message}\n`);
    return 1;
  }
}

process.exitCode = await main();
