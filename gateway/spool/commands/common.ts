import type { Command } from 'commander';
import { CommandFailure } from '../../command/failure.ts';
import { describeConfigError } from '../../config/errors.ts';
import { nodeFiles } from '../file-layer.ts';
import { type SegmentVisitor, type Survey, surveySpool } from '../survey.ts';

export interface SpoolChoice {
  readonly directory?: string;
  readonly config?: string;
}

/** Adds the options that say which spool a command reads. */
export const withSpool = (command: Command): Command =>
  command
    .option('--directory <directory>', 'of the spool (default: spool.directory of the configuration)')
    .option('--config <file>', "the gateway's YAML file, for spool.directory")
    .allowExcessArguments(false);

/** Reads the chosen spool, segment by segment. */
export async function readSpool(
  choice: SpoolChoice,
  visit: SegmentVisitor,
): Promise<Survey & { readonly directory: string }> {
  const directory = await directoryOf(choice);
  try {
    return { ...(await surveySpool(nodeFiles, directory, visit)), directory };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const problem = code === 'ENOENT' ? 'there is no such directory; --directory names another' : message;
    throw new CommandFailure(`spool ${directory}: ${problem}`);
  }
}

async function directoryOf({ directory, config: file }: SpoolChoice): Promise<string> {
  if (directory !== undefined) return directory;
  // The schema of the settings takes most of a start; a command that is told its directory needs none of it.
  const { loadConfig } = await import('../../config/load.ts');
  const result = loadConfig({ file });
  if (!result.ok) throw new CommandFailure(result.errors.map(describeConfigError).join('\n'), 2);
  return result.config.spool.directory;
}

/** Says what is behind the last good frame. It need not be a fault: the gateway may just be writing there. */
export function sayTorn({ tornBytes }: Survey): void {
  if (tornBytes === 0) return;
  console.error(
    `${tornBytes} bytes behind the last batch: a write cut short, or under way; nobody was told it is durable`,
  );
}

const progressEveryMs = 1000;

/** A line now and then, on standard error; none for what ends at once. */
export function progress(): (segments: number, records: number) => void {
  let nextAt = Date.now() + progressEveryMs;
  return (segments, records) => {
    const now = Date.now();
    if (now < nextAt) return;
    nextAt = now + progressEveryMs;
    console.error(`${segments} segments read, ${records} records`);
  };
}

export const timeOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
