import { Argument, Command, Option } from 'commander';
import { count, positive } from '../../command-line/numbers.ts';
import { type Grid, type StudyOptions, type StudyPart, studyParts } from './parts.ts';
import { defaultStudyThresholds, type StudyThresholds } from './report/verdict.ts';

export interface StudyCommandLine {
  readonly options: StudyOptions;
  readonly thresholds: StudyThresholds;
  /** False: the exit code says only whether the study could be made. */
  readonly judge: boolean;
  /** File for everything that was found; undefined: none. */
  readonly jsonFile: string | undefined;
  /** Folder that the charts are written to; undefined: none are drawn. */
  readonly chartsDir: string | undefined;
}

interface Parsed {
  seconds?: number;
  warmUp?: number;
  brokerWarmUp?: number;
  rounds?: number;
  quick?: true;
  grid?: Grid;
  journal?: string;
  json?: string;
  charts?: string;
  profile?: string;
  maxP50Ms: number;
  maxP99Ms: number;
  maxEndToEndP95Ms: number;
  minSaturated: number;
  maxQuotientSpread: number;
  verdict: boolean;
}

const full = { seconds: 10, warmUp: 10, brokerWarmUp: 90, rounds: 1, grid: 'full' } as const;
const quick = { seconds: 3, warmUp: 3, brokerWarmUp: 15, rounds: 1, grid: 'axes' } as const;

const threshold = (flags: string, what: string, value: number): Option =>
  new Option(flags, what).argParser(positive).default(value);

const command = (): Command =>
  new Command('study')
    .description(
      'Measures the gateway on a real cluster of three brokers (replication 3, min.insync.replicas 2): latency to PUBACK and to a consumer, settings one at a time, CPU per message against a server that only answers PUBACK, throughput, and the same by way of the spool. The last line of output is JSON.',
    )
    .addArgument(new Argument('[parts...]', 'study only these').choices(studyParts))
    .addOption(new Option('--seconds <n>', `length of each measured window (${full.seconds})`).argParser(positive))
    .addOption(
      new Option('--warm-up <n>', `seconds of load before the first window (${full.warmUp})`).argParser(positive),
    )
    .addOption(
      new Option(
        '--broker-warm-up <n>',
        `seconds of saturating load on the new brokers before anything else (${full.brokerWarmUp})`,
      ).argParser(positive),
    )
    .addOption(new Option('--rounds <n>', `how often everything is measured (${full.rounds})`).argParser(count))
    .option(
      '--quick',
      `${quick.seconds} s windows, ${quick.warmUp} s and ${quick.brokerWarmUp} s warm-up, the short grid: a first impression, no evidence`,
    )
    .addOption(
      new Option('--grid <which>', `loads of the quotient: all, or its axes and corners (${full.grid})`).choices([
        'full',
        'axes',
      ]),
    )
    .option('--journal <file>', 'keep each measurement there as it is made, and skip those that are there already')
    .option('--json <file>', 'write everything that was found to this file')
    .option('--charts <dir>', 'draw charts as SVG files there')
    .option('--profile <dir>', 'write CPU profiles of the servers there; the figures are then not worth much')
    .addOption(
      threshold('--max-p50-ms <n>', 'largest good PUBACK p50 at 10,000/s', defaultStudyThresholds.maxPubackP50Ms),
    )
    .addOption(
      threshold('--max-p99-ms <n>', 'largest good PUBACK p99 at 10,000/s', defaultStudyThresholds.maxPubackP99Ms),
    )
    .addOption(
      threshold(
        '--max-end-to-end-p95-ms <n>',
        'largest good p95 to a consumer at 10,000/s',
        defaultStudyThresholds.maxEndToEndP95Ms,
      ),
    )
    .addOption(
      threshold('--min-saturated <n>', 'fewest good acknowledged/s', defaultStudyThresholds.minSaturatedPerSecond),
    )
    .addOption(
      threshold(
        '--max-quotient-spread <n>',
        'largest good quotient ÷ smallest',
        defaultStudyThresholds.maxQuotientSpread,
      ),
    )
    .option('--no-verdict', 'measure without judging')
    .addHelpText(
      'after',
      '\nExit codes: 0 good, 1 the verdict is bad, 2 it could not be measured or the arguments are wrong.',
    );

/**
 * Reads the arguments (without node and script). Prints help or what is wrong and ends by calling `exit`.
 *
 * @param exit called with 0 after --help, with 2 for unusable arguments; must not return.
 */
export const parseStudyCommandLine = (args: readonly string[], exit: (code: number) => never): StudyCommandLine => {
  const program = command().exitOverride((error) => exit(error.exitCode === 0 ? 0 : 2));
  const parsed = program.parse(args, { from: 'user' }).opts<Parsed>();
  const named = program.processedArgs[0] as StudyPart[] | undefined;
  const preset = parsed.quick ? quick : full;
  return {
    options: {
      // In the order in which they are explained, whatever the order in which they are named; each once.
      parts: studyParts.filter((part) => named === undefined || named.length === 0 || named.includes(part)),
      seconds: parsed.seconds ?? preset.seconds,
      warmUpSeconds: parsed.warmUp ?? preset.warmUp,
      brokerWarmUpSeconds: parsed.brokerWarmUp ?? preset.brokerWarmUp,
      rounds: parsed.rounds ?? preset.rounds,
      grid: parsed.grid ?? preset.grid,
      journalFile: parsed.journal,
      profileDir: parsed.profile,
    },
    thresholds: {
      maxPubackP50Ms: parsed.maxP50Ms,
      maxPubackP99Ms: parsed.maxP99Ms,
      maxEndToEndP95Ms: parsed.maxEndToEndP95Ms,
      minSaturatedPerSecond: parsed.minSaturated,
      maxQuotientSpread: parsed.maxQuotientSpread,
    },
    judge: parsed.verdict,
    jsonFile: parsed.json,
    chartsDir: parsed.charts,
  };
};
