import { Command, Option } from 'commander';
import { count, largestSeed, positive, seed, share } from '../../command-line/numbers.ts';
import type { Output } from '../../command-line/output.ts';

export interface SoakOptions {
  /** Length of the load. */
  readonly minutes: number;
  /** Messages per second, of the whole fleet. */
  readonly rate: number;
  readonly vehicles: number;
  /** Everything that is drawn is drawn from it. */
  readonly seed: number;
  /** Time between two moves of all leaders. */
  readonly leaderMoveEveryS: number;
  /** Share of the connections that are reset in the course of a minute. */
  readonly resetSharePerMinute: number;
  readonly htmlFile: string | undefined;
  /** Everything that was measured. */
  readonly jsonFile: string | undefined;
}

interface Parsed {
  minutes: number;
  rate: number;
  vehicles: number;
  seed?: number;
  leaderMoves: number;
  resets: number;
  html?: string;
  json?: string;
}

/**
 * Reads the arguments (without node and script). Prints help or what is wrong and ends by calling `exit`.
 */
export function parseSoakOptions(args: readonly string[], output: Output): SoakOptions {
  const program = command(output).exitOverride((error) => output.exit(error.exitCode === 0 ? 0 : 2));
  const parsed = program.parse(args, { from: 'user' }).opts<Parsed>();
  return {
    minutes: parsed.minutes,
    rate: parsed.rate,
    vehicles: parsed.vehicles,
    seed: parsed.seed ?? Math.floor(Math.random() * largestSeed),
    leaderMoveEveryS: parsed.leaderMoves,
    resetSharePerMinute: parsed.resets,
    htmlFile: parsed.html,
    jsonFile: parsed.json,
  };
}

function command({ writeOut, writeErr }: Output): Command {
  return new Command('npm run soak --')
    .description(
      'Runs a gateway for a long time on a real 3-broker cluster, while connections are reset and leaders move all the time. ' +
        'Then says whether its memory grew, and reads every record back with an independent client. The last line of output is JSON.',
    )
    .addOption(number('--minutes <n>', 'length of the load', 30, positive))
    .addOption(number('--rate <n>', 'messages per second, of the whole fleet', 5_000, positive))
    .addOption(number('--vehicles <n>', 'vehicles in the fleet, one connection each', 1_000, count))
    .addOption(number('--seed <n>', 'repeat a run: everything drawn is drawn from it', undefined, seed))
    .addOption(number('--leader-moves <seconds>', 'time between two moves of all leaders', 30, positive))
    .addOption(number('--resets <share>', 'share of the connections that are reset per minute, 0 to 1', 0.25, share))
    .option('--html <file>', 'write the report with its charts to this file')
    .option('--json <file>', 'write everything that was measured to this file')
    .addHelpText(
      'after',
      '\nIn the start-up (a fifth of the run, at most five minutes) Kafka stalls twice: pools are then as large as they get.' +
        '\nMemory: the slope of the lower envelope over the steady part (Theil–Sen), with its 95 % interval from a block bootstrap. Once a minute the gateway collects its garbage.' +
        '\nExit codes: 0 good; 1 something was lost, memory grew or the rate did not hold; 2 it could not be run or measured' +
        '\n(a run of a few minutes is too short to tell a leak), or the arguments are wrong; 130 interrupted.',
    )
    .allowExcessArguments(false)
    .configureOutput({
      ...(writeOut === undefined ? {} : { writeOut }),
      ...(writeErr === undefined ? {} : { writeErr }),
    });
}

function number(flags: string, what: string, standard: number | undefined, parse: (text: string) => number): Option {
  const option = new Option(flags, what).argParser(parse);
  return standard === undefined ? option : option.default(standard);
}
