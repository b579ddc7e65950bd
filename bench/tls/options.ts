import { Command, Option } from 'commander';
import { count, positive } from '../../command-line/numbers.ts';
import type { TlsOptions } from './measure.ts';
import { defaultTlsThresholds, type TlsThresholds } from './verdict.ts';

export interface TlsCommandLine {
  readonly options: TlsOptions;
  readonly thresholds: TlsThresholds;
  /** False: the exit code says only whether the measurement worked. */
  readonly judge: boolean;
  /** Undefined: no profiles. */
  readonly profileDir: string | undefined;
}

interface Parsed extends TlsOptions {
  readonly maxMemoryRatio: number;
  readonly maxFullRatio: number;
  readonly verdict: boolean;
  readonly profile?: string;
}

/** @param exit called with 0 after --help, with 2 for unusable arguments; must not return. */
export function parseTlsCommandLine(args: readonly string[], exit: (code: number) => never): TlsCommandLine {
  const { maxIdleMemory, maxFullHandshake } = defaultTlsThresholds;
  const parsed = new Command('bench:tls')
    .description(
      'Measures what mutual TLS costs: memory per idle connection and CPU per handshake, full and resumed, of the gateway and of a bare Node TLS server in the same run. The last line of output is JSON.',
    )
    .addOption(
      new Option('--connections <n>', 'idle connections, each of a device of its own').argParser(count).default(2000),
    )
    .addOption(
      new Option('--handshakes <n>', 'handshakes of each kind, per server and round').argParser(count).default(2000),
    )
    .addOption(new Option('--rounds <n>', 'how often the servers take turns').argParser(count).default(3))
    .addOption(
      new Option('--max-memory-ratio <n>', 'largest gateway ÷ bare memory that is good')
        .argParser(positive)
        .default(maxIdleMemory),
    )
    .addOption(
      new Option('--max-full-ratio <n>', 'largest gateway ÷ bare CPU of a full handshake that is good')
        .argParser(positive)
        .default(maxFullHandshake),
    )
    .option('--no-verdict', 'measure without judging')
    .option('--profile <dir>', 'write CPU profiles of the servers there; the figures are then not worth much')
    .addHelpText(
      'after',
      '\nExit codes: 0 good, 1 a ratio is worse than allowed, 2 it could not be measured or the arguments are wrong.',
    )
    .allowExcessArguments(false)
    .exitOverride((error) => exit(error.exitCode === 0 ? 0 : 2))
    .parse(args, { from: 'user' })
    .opts<Parsed>();
  const { connections, handshakes, rounds, maxMemoryRatio, maxFullRatio, verdict, profile } = parsed;
  return {
    options: { connections, handshakes, rounds },
    thresholds: { maxIdleMemory: maxMemoryRatio, maxFullHandshake: maxFullRatio },
    judge: verdict,
    profileDir: profile,
  };
}
