import { Command, Option } from 'commander';
import { count, largestSeed, positive, seed } from '../command-line/numbers.ts';
import type { Output } from '../command-line/output.ts';

export interface FaultOptions {
  /** Names of scenarios, in the order in which they run. */
  readonly scenarios: readonly string[];
  /** Length of each fault; undefined: each scenario's own. */
  readonly seconds: number | undefined;
  /** Everything that is drawn is drawn from it; repeat n uses seed + n − 1. */
  readonly seed: number;
  readonly repeat: number;
  /** Shorter faults, shorter timeouts of the gateway. */
  readonly short: boolean;
  /** Also run the gateway with mistakes built in, which must turn the verdict red. */
  readonly mutants: boolean;
  /** A scenario that this machine cannot run does not fail the whole. */
  readonly allowNotRun: boolean;
  readonly htmlFile: string | undefined;
  /** Only print what there is. */
  readonly list: boolean;
}

interface Parsed {
  scenario: string[];
  seconds?: number;
  seed?: number;
  repeat: number;
  short?: true;
  mutants?: true;
  allowNotRun?: true;
  html?: string;
  list?: true;
}

/** What there is to choose from. */
export interface Choice {
  readonly name: string;
  /** `all` leaves it out in the short form. */
  readonly longOnly?: true;
}

const command = (known: readonly Choice[], output: Output): Command =>
  new Command('npm run faults --')
    .description(
      'Breaks the gateway, Kafka and everything between them on a real 3-broker cluster while a fleet publishes, reads every record back with an independent client, and judges: lost, phantom, out of order, split, duplicated. The last line of output is JSON.',
    )
    .addOption(
      new Option('--scenario <name...>', 'what to break; several names or `all`; see --list')
        .choices(['all', ...known.map(({ name }) => name)])
        .default(['all'], 'all'),
    )
    .addOption(new Option('--seconds <n>', "length of each fault (each scenario's own)").argParser(positive))
    .addOption(new Option('--seed <n>', 'repeat a run: everything drawn is drawn from it (a new one)').argParser(seed))
    .addOption(
      new Option('--repeat <n>', 'run everything so often, each time with the next seed').argParser(count).default(1),
    )
    .option('--short', 'the form of CI: shorter faults, and shorter timeouts in the gateway, so that it notices them')
    .option('--mutants', 'also run gateways with a mistake built in: each must turn the verdict red')
    .option(
      '--allow-not-run',
      'do not fail because this machine cannot run a scenario, for example without user namespaces',
    )
    .option('--html <file>', 'write the report with its timelines to this file')
    .option('--list', 'print the scenarios and mutants and end')
    .addHelpText(
      'after',
      '\nExit codes: 0 good; 1 something was lost or a scenario or mutant is not as it must be; 2 a scenario could not be run (unless --allow-not-run), or none, or the arguments are wrong; 130 interrupted.',
    )
    .allowExcessArguments(false)
    .configureOutput({
      ...(output.writeOut === undefined ? {} : { writeOut: output.writeOut }),
      ...(output.writeErr === undefined ? {} : { writeErr: output.writeErr }),
    });

/**
 * Reads the arguments (without node and script). Prints help or what is wrong and ends by calling `exit`.
 *
 * @param known all scenarios, in the order of `all`
 */
export function parseFaultOptions(args: readonly string[], known: readonly Choice[], output: Output): FaultOptions {
  const program = command(known, output).exitOverride((error) => output.exit(error.exitCode === 0 ? 0 : 2));
  const parsed = program.parse(args, { from: 'user' }).opts<Parsed>();
  const all = known.filter(({ longOnly }) => !(parsed.short && longOnly)).map(({ name }) => name);
  return {
    scenarios: parsed.scenario.includes('all') ? all : [...new Set(parsed.scenario)],
    seconds: parsed.seconds,
    seed: parsed.seed ?? Math.floor(Math.random() * largestSeed),
    repeat: parsed.repeat,
    short: parsed.short === true,
    mutants: parsed.mutants === true,
    allowNotRun: parsed.allowNotRun === true,
    htmlFile: parsed.html,
    list: parsed.list === true,
  };
}
