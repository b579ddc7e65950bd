import { open, readFile, rename, rm } from 'node:fs/promises';
import { CommandFailure } from '../gateway/command/failure.ts';
import type { Job } from './options.ts';

/** How far a copy is. Offsets are by partition. */
export interface Progress {
  readonly job: Job;
  readonly fromMs: number;
  readonly toMs: number;
  /** Tells a topic from a later one of the same name. */
  readonly topicId: string;
  readonly toTopicId: string;
  /** Where reading began. */
  readonly starts: Readonly<Record<string, number>>;
  /** Where it ends. */
  readonly ends: Readonly<Record<string, number>>;
  /** Everything before has been dealt with. */
  readonly next: Readonly<Record<string, number>>;
  /** Ends of the other topic at that moment: whatever has been copied since lies behind them. */
  readonly destination: Readonly<Record<string, number>>;
  readonly counts: Counts;
}

export interface Counts {
  /** Records of the span of time (and the vehicles). */
  matched: number;
  copied: number;
  /** Found in the other topic after an earlier command was killed. */
  alreadyThere: number;
  /** Deleted by retention before they were read. */
  expired: number;
}

/** @returns undefined when there is none. @throws {CommandFailure} when it is of another job, or no such file. */
export async function readProgress(file: string, job: Job): Promise<Progress | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const progress = parse(text);
  if (progress === undefined) {
    throw new CommandFailure(
      `${file} is no progress of a replay; --progress names another file, --restart overwrites it`,
    );
  }
  if (JSON.stringify(progress.job) !== JSON.stringify(job)) {
    throw new CommandFailure(
      `${file} belongs to another replay (${describeJob(progress.job)}); --progress names another`,
    );
  }
  return progress;
}

function parse(text: string): Progress | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'job' in value && 'next' in value
      ? (value as Progress)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces the file in one step, durably: after a crash it is the earlier or the later one, and whole. */
export async function writeProgress(file: string, progress: Progress): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(JSON.stringify(progress));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

export const removeProgress = (file: string): Promise<void> => rm(file, { force: true });

export const describeJob = ({ topic, toTopic, from, to }: Job): string => `${topic} to ${toTopic}, ${from} to ${to}`;
