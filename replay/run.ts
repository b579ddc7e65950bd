import { CommandFailure } from '../gateway/command/failure.ts';
import { Cluster, readUncommitted } from '../record-log/cluster.ts';
import { offsetsOf } from '../record-log/offsets.ts';
import { RecordWriter } from '../record-log/record-writer.ts';
import type { Reporter } from '../record-log/reporter.ts';
import { type ClusterConnection, readConnection } from '../topics/connection.ts';
import { checkDestination } from './check-topics.ts';
import { Copy } from './copy.ts';
import type { ReplayOptions } from './options.ts';
import { type Progress, readProgress, removeProgress, writeProgress } from './progress-file.ts';
import { asObject, offsetsOfSpan, topicIdOf } from './span.ts';

/** The figures that a replay ends with. */
export interface ReplayFigures {
  readonly topic: string;
  readonly toTopic: string;
  readonly from: string;
  readonly to: string;
  readonly complete: boolean;
  readonly dryRun: boolean;
  readonly resumed: boolean;
  /** Offsets between the first record of the span and the end. */
  readonly scanned: number;
  readonly matched: number;
  readonly copied: number;
  readonly alreadyThere: number;
  readonly expired: number;
  readonly seconds: number;
}

/**
 * Copies, or goes on copying.
 *
 * @throws {CommandFailure | RecordLogError | KafkaError} all of them {CodedError}s but the first.
 */
export async function replay(
  options: ReplayOptions,
  reporter: Reporter,
  stopping: AbortSignal,
): Promise<ReplayFigures> {
  const startedAtMs = performance.now();
  const { job, progressFile, dryRun } = options;
  const connection = connectionOf(options);
  const cluster = new Cluster(connection.brokers, connection.security);
  let writer: RecordWriter | undefined;
  try {
    const earlier = options.restart || dryRun ? undefined : await readProgress(progressFile, job);
    const progress = earlier ?? (await begin(cluster, options));
    if (earlier !== undefined) {
      await checkTopics(cluster, earlier, progressFile);
      reporter.say(`going on with what ${progressFile} says: ${earlier.counts.copied} records copied so far`);
    }
    if (!dryRun) {
      writer = await openWriter(options, connection, progress.fromMs, reporter);
      if (earlier === undefined) await writeProgress(progressFile, progress);
    }
    const save = (later: Progress): Promise<void> => writeProgress(progressFile, later);
    const copy = new Copy({ cluster, writer, progress, resumed: earlier !== undefined, save, stopping, reporter });
    const complete = await copy.run();
    if (complete && !dryRun) await removeProgress(progressFile);
    if (copy.counts.expired > 0) {
      reporter.say(`${copy.counts.expired} offsets were deleted by retention before they were read`);
    }
    const scanned = sum(progress.ends) - sum(progress.starts);
    return {
      topic: job.topic,
      toTopic: job.toTopic,
      from: new Date(progress.fromMs).toISOString(),
      to: new Date(progress.toMs).toISOString(),
      complete,
      dryRun,
      resumed: earlier !== undefined,
      scanned,
      ...copy.counts,
      seconds: Math.round(performance.now() - startedAtMs) / 1000,
    };
  } finally {
    await writer?.close();
    await cluster.close();
  }
}

async function begin(cluster: Cluster, { job, fromMs, toMs, maxLatenessMs }: ReplayOptions): Promise<Progress> {
  const topicId = await topicIdOf(cluster, job.topic);
  const toTopicId = await topicIdOf(cluster, job.toTopic);
  const { starts, ends } = await offsetsOfSpan(cluster, job.topic, { fromMs, toMs, maxLatenessMs });
  const destination = asObject(await offsetsOf(cluster, job.toTopic, 'latest', readUncommitted));
  const counts = { matched: 0, copied: 0, alreadyThere: 0, expired: 0 };
  return { job, fromMs, toMs, topicId, toTopicId, starts, ends, next: starts, destination, counts };
}

async function checkTopics(cluster: Cluster, progress: Progress, file: string): Promise<void> {
  const { job, topicId, toTopicId } = progress;
  for (const [topic, id] of [[job.topic, topicId] as const, [job.toTopic, toTopicId] as const]) {
    if ((await topicIdOf(cluster, topic)) === id) continue;
    throw new CommandFailure(
      `${topic} is not the topic that ${file} is about: it was created again; --restart begins anew`,
    );
  }
}

function connectionOf({ config, brokers }: ReplayOptions): ClusterConnection {
  const found = readConnection(config, brokers);
  if (!found.ok) throw new CommandFailure(found.problems.join('\n'), 2);
  return found.connection;
}

async function openWriter(
  options: ReplayOptions,
  connection: ClusterConnection,
  fromMs: number,
  reporter: Reporter,
): Promise<RecordWriter> {
  const { job, rate } = options;
  const { maxBatchBytes, warnings } = await checkDestination(connection, job.toTopic, fromMs, Date.now());
  for (const warning of warnings) reporter.say(`warning: ${warning}`);
  return await RecordWriter.open({
    ...connection,
    topics: [job.toTopic],
    perSecond: rate,
    maxBatchBytes: options.maxBatchBytes ?? maxBatchBytes,
    say: (line) => reporter.say(line),
  });
}

const sum = (offsets: Readonly<Record<string, number>>): number =>
  Object.values(offsets).reduce((total, offset) => total + offset, 0);
