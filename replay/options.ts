import { createHash } from 'node:crypto';
import { Command } from 'commander';
import { addresses } from '../command-line/addresses.ts';
import { count, positive } from '../command-line/numbers.ts';
import type { Output } from '../command-line/output.ts';
import { duration, timeAt } from '../command-line/times.ts';

/** What is to be copied; a command with the same job goes on with what an earlier one began. */
export interface Job {
  readonly topic: string;
  readonly toTopic: string;
  /** As given: what is relative to now means the time of the first start. */
  readonly from: string;
  readonly to: string;
  /** Only records with one of these keys; empty: all. */
  readonly vehicles: readonly string[];
}

export interface ReplayOptions {
  /** Undefined: those of the settings. */
  readonly brokers: readonly string[] | undefined;
  /** Settings of which brokers, TLS and login are used. */
  readonly config: string | undefined;
  readonly job: Job;
  /** Milliseconds since the epoch; records from here on, this time included. */
  readonly fromMs: number;
  /** Records before this time. */
  readonly toMs: number;
  /** How much later than an older record a newer one may lie in its partition; undefined: any. Milliseconds. */
  readonly maxLatenessMs: number | undefined;
  /** Records a second. */
  readonly rate: number;
  /** Undefined: as large as the topic takes them. */
  readonly maxBatchBytes: number | undefined;
  readonly progressFile: string;
  readonly restart: boolean;
  readonly dryRun: boolean;
  readonly allowSameTopic: boolean;
}

interface Parsed {
  kafka?: string[];
  config?: string;
  topic: string;
  toTopic: string;
  from: string;
  to: string;
  vehicle: string[];
  maxLateness?: number;
  rate: number;
  maxBatchBytes?: number;
  progress?: string;
  restart?: true;
  dryRun?: true;
  allowSameTopic?: true;
}

const notes = `
Times are RFC 3339 (UTC unless they name a zone), now, or durations such as 90m, 2h, 3d: so long ago.
The same command goes on where an earlier one was stopped or killed, without copying a record twice.

Exit codes: 0 all of it was copied; 1 it failed or was stopped; 2 unusable arguments. The last line is JSON.`;

/** Reads the arguments; --help and unusable ones end in `output.exit`. */
export function parseReplayOptions(args: readonly string[], output: Output, nowMs: number): ReplayOptions {
  const asTime = timeAt(nowMs);
  const checkedTime = (text: string): string => {
    asTime(text);
    return text;
  };
  const program = new Command('npm run replay --')
    .description('Copies the records of a span of time from one topic to another: keys, order, timestamps and headers.')
    .requiredOption('--topic <topic>', 'copy from')
    .requiredOption('--to-topic <topic>', 'copy to; must exist, its partitions may be others')
    .requiredOption('--from <time>', 'record timestamps from here on', checkedTime)
    .option('--to <time>', 'record timestamps before this', checkedTime, 'now')
    .option('--vehicle <id>', 'only records with this key; may be given again', append, [])
    .option('--config <file>', 'settings (YAML) of which brokers, TLS and login are used')
    .option('--kafka <host:port,…>', 'brokers (default: kafka.bootstrapBrokers of the settings)', addresses)
    .option('--rate <records>', 'at most so many records a second', positive, Number.POSITIVE_INFINITY)
    .option(
      '--max-lateness <duration>',
      'stop reading a partition at the first record that is so much later than --to (default: read to its end, as later ' +
        'records may lie before earlier ones)',
      duration,
    )
    .option('--max-batch-bytes <bytes>', 'largest batch before compression, and so the largest record', count)
    .option('--progress <file>', 'where to remember how far it is (default: named after the job, in this folder)')
    .option('--restart', 'begin anew, whatever an earlier command did')
    .option('--dry-run', 'read and count, write nothing')
    .option('--allow-same-topic', 'append the copies to the topic that they come from')
    .addHelpText('after', notes)
    .allowExcessArguments(false)
    .configureOutput({
      ...(output.writeOut === undefined ? {} : { writeOut: output.writeOut }),
      ...(output.writeErr === undefined ? {} : { writeErr: output.writeErr }),
    })
    .exitOverride((error) => output.exit(error.exitCode === 0 ? 0 : 2));
  program.parse([...args], { from: 'user' });
  const parsed = program.opts<Parsed>();
  const { topic, toTopic, from, to, vehicle: vehicles } = parsed;
  const fromMs = asTime(from);
  const toMs = asTime(to);
  if (toMs <= fromMs) program.error('error: --to must be later than --from', { exitCode: 2 });
  if (topic === toTopic && parsed.allowSameTopic !== true) {
    program.error(
      'error: the topics are the same: records would be doubled for all of its readers; --allow-same-topic',
      {
        exitCode: 2,
      },
    );
  }
  const job = { topic, toTopic, from, to, vehicles };
  return {
    brokers: parsed.kafka,
    config: parsed.config,
    job,
    fromMs,
    toMs,
    maxLatenessMs: parsed.maxLateness,
    rate: parsed.rate,
    maxBatchBytes: parsed.maxBatchBytes,
    progressFile: parsed.progress ?? `replay-${hashOf(job)}.json`,
    restart: parsed.restart ?? false,
    dryRun: parsed.dryRun ?? false,
    allowSameTopic: parsed.allowSameTopic ?? false,
  };
}

const append = (value: string, earlier: readonly string[]): string[] => [...earlier, value];

const hashOf = (job: Job): string => createHash('sha1').update(JSON.stringify(job)).digest('hex').slice(0, 12);
