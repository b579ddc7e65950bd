import { Command, InvalidArgumentError, Option } from 'commander';
import { count, positive } from '../command-line/numbers.ts';
import { type BenchOptions, type Part, parts } from './parts.ts';
import { defaultThresholds, type Thresholds } from './report/verdict.ts';

export interface CommandLine {
  readonly options: BenchOptions;
  readonly thresholds: Thresholds;
  /** False: the exit code says only whether the measurement worked. */
  readonly judge: boolean;
  /** File for the full report; undefined: none. */
  readonly jsonFile: string | undefined;
}

interface Parsed {
  seconds?: number;
  warmUp?: number;
  rounds?: number;
  connections: number;
  inFlight: number;
  rate: number;
  rateConnections: number;
  idleConnections: number;
  quick?: true;
  only?: Part[];
  json?: string;
  profile?: string;
  maxRatioToLimit: number;
  maxRatioToBaseline: number;
  maxFullRatioToLimit: number;
  maxIdleBytes: number;
  maxP99Ms: number;
  verdict: boolean;
}

const full = { seconds: 10, warmUp: 4, rounds: 3 };
const quick = { seconds: 3, warmUp: 2, rounds: 1 };
/** MQTT has no packet identifier above this (section 2.2.1). */
const mostInFlight = 65_535;

const window = (text: string): number => {
  const value = count(text);
  if (value > mostInFlight) throw new InvalidArgumentError(`It must be at most ${mostInFlight}.`);
  return value;
};

const command = (): Command =>
  new Command('bench')
    .description(
      'Measures what an acknowledged message costs: a server that only answers PUBACK (the limit), aedes with kafkajs (the baseline), and the gateway, as it is by default and with everything on (full), each on a core of its own. The last line of output is JSON.',
    )
    .addOption(new Option('--seconds <n>', `length of each measured window (${full.seconds})`).argParser(positive))
    .addOption(new Option('--warm-up <n>', `seconds of load before each window (${full.warmUp})`).argParser(positive))
    .addOption(
      new Option(
        '--rounds <n>',
        `how often limit, baseline, gateway and full gateway take turns (${full.rounds})`,
      ).argParser(count),
    )
    .option(
      '--quick',
      `${quick.rounds} round, ${quick.seconds} s windows, ${quick.warmUp} s warm-up: a first impression, no evidence`,
    )
    .addOption(new Option('--only <part...>', 'measure only these').choices(parts))
    .addOption(new Option('--connections <n>', 'connections while saturating').argParser(count).default(500))
    .addOption(new Option('--in-flight <n>', 'unacknowledged publishes per connection').argParser(window).default(4))
    .addOption(new Option('--rate <n>', 'messages/s of the part `rate`').argParser(positive).default(10_000))
    .addOption(new Option('--rate-connections <n>', 'connections of the part `rate`').argParser(count).default(2000))
    .addOption(new Option('--idle-connections <n>', 'connections of the part `idle`').argParser(count).default(5000))
    .option('--json <file>', 'write everything that was measured to this file')
    .option('--profile <dir>', 'write CPU profiles of the servers there; the figures are then not worth much')
    .addOption(limit('--max-ratio-to-limit <n>', 'gateway ÷ limit', defaultThresholds.maxRatioToLimit))
    .addOption(limit('--max-ratio-to-baseline <n>', 'gateway ÷ baseline', defaultThresholds.maxRatioToBaseline))
    .addOption(limit('--max-full-ratio-to-limit <n>', 'full gateway ÷ limit', defaultThresholds.maxRatioFullToLimit))
    .addOption(limit('--max-idle-bytes <n>', 'bytes per idle connection', defaultThresholds.maxIdleBytes))
    .addOption(limit('--max-p99-ms <n>', 'PUBACK p99 of the part `rate`', defaultThresholds.maxPubackP99Ms))
    .option('--no-verdict', 'measure without judging')
    .addHelpText(
      'after',
      '\nExit codes: 0 good, 1 the verdict is bad, 2 it could not be measured or the arguments are wrong.',
    )
    .allowExcessArguments(false);

const limit = (flags: string, what: string, value: number): Option =>
  new Option(flags, `largest ${what} that is good`).argParser(positive).default(value);

/**
 * Reads the arguments (without node and script). Prints help or what is wrong and ends by calling `exit`.
 *
 * @param exit called with 0 after --help, with 2 for unusable arguments; must not return.
 */
export const parseCommandLine = (args: readonly string[], exit: (code: number) => never): CommandLine => {
  const program = command().exitOverride((error) => exit(error.exitCode === 0 ? 0 : 2));
  const parsed = program.parse(args, { from: 'user' }).opts<Parsed>();
  const preset = parsed.quick ? quick : full;
  return {
    options: {
      seconds: parsed.seconds ?? preset.seconds,
      warmUpSeconds: parsed.warmUp ?? preset.warmUp,
      rounds: parsed.rounds ?? preset.rounds,
      connections: parsed.connections,
      inFlight: parsed.inFlight,
      rate: parsed.rate,
      rateConnections: parsed.rateConnections,
      idleConnections: parsed.idleConnections,
      only: parsed.only ?? parts,
      profileDir: parsed.profile,
    },
    thresholds: {
      maxRatioToLimit: parsed.maxRatioToLimit,
      maxRatioToBaseline: parsed.maxRatioToBaseline,
      maxRatioFullToLimit: parsed.maxFullRatioToLimit,
      maxIdleBytes: parsed.maxIdleBytes,
      maxPubackP99Ms: parsed.maxP99Ms,
    },
    judge: parsed.verdict,
    jsonFile: parsed.json,
  };
};
