import { readFileSync } from 'node:fs';
import type { TopicDemands } from '../gateway/core/topic-demands.ts';
import { applyChanges } from './apply.ts';
import type { TopicCluster } from './cluster.ts';
import { readDemands } from './demands.ts';
import { describeFailure } from './failure.ts';
import { misfits } from './fit.ts';
import type { TopicsOptions } from './options.ts';
import { planChanges, unmanagedSettings } from './plan.ts';
import { describeChanges, figuresOf, renderPlan, renderSummary } from './render.ts';
import { describeProblem, readTopics } from './topics-file.ts';
import type { ActualCluster, WantedTopic } from './wanted.ts';

export const exitCodes = { asWanted: 0, failed: 1, unusable: 2, differs: 3 } as const;

export interface Printer {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
}

interface Inputs {
  readonly wanted: readonly WantedTopic[];
  readonly demands: ReadonlyMap<string, TopicDemands>;
}

/** Plans or applies; every outcome, also a failure of the cluster, is printed and becomes an exit code. */
export async function runTopics(options: TopicsOptions, cluster: TopicCluster, print: Printer): Promise<number> {
  const inputs = readInputs(options, print);
  if (inputs === undefined) return exitCodes.unusable;
  try {
    return await planOrApply(options, inputs, cluster, print);
  } catch (error) {
    print.err(`topics: ${options.brokers?.join(', ') ?? 'Kafka'}: ${describeFailure(error)}`);
    return exitCodes.failed;
  }
}

function readInputs({ file, config }: TopicsOptions, print: Printer): Inputs | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    print.err(`${file}: ${describeFailure(error)}`);
    return undefined;
  }
  const read = readTopics(text);
  if (!read.ok) {
    for (const problem of read.problems) print.err(describeProblem(file, problem));
    return undefined;
  }
  const settings = readDemands(config);
  if (!settings.ok) {
    for (const problem of settings.problems) print.err(problem);
    return undefined;
  }
  return { wanted: read.topics, demands: settings.demands };
}

async function planOrApply(
  { action, allowed }: TopicsOptions,
  { wanted, demands }: Inputs,
  cluster: TopicCluster,
  print: Printer,
): Promise<number> {
  const actual = await cluster.read(wanted.map(({ name }) => name));
  const changes = planChanges(wanted, actual);
  const figures = figuresOf(wanted, changes, allowed);
  const warnings = misfits(wanted, demands);
  for (const line of renderPlan(changes, allowed)) print.out(line);
  for (const line of notesOf(wanted, actual)) print.out(`note: ${line}`);
  for (const line of warnings) print.out(`warning: ${line}`);
  print.out(renderSummary(figures));
  const told = { action, ...figures, warnings: warnings.length };
  if (action === 'plan') {
    print.out(JSON.stringify({ ...told, applied: 0, left: changes.length }));
    return changes.length === 0 ? exitCodes.asWanted : exitCodes.differs;
  }
  const { changes: applied, left } = await applyChanges(cluster, wanted, changes, allowed, (step, number, of) =>
    print.out(`[${number}/${of}] ${describeChanges(step)}`),
  );
  if (figures.refused > 0) print.out('nothing was changed');
  else if (left.length > 0) print.err(`topics: ${left.length} changes were made, but the brokers do not show them`);
  print.out(JSON.stringify({ ...told, applied, left: left.length }));
  if (figures.refused > 0) return exitCodes.differs;
  return left.length === 0 ? exitCodes.asWanted : exitCodes.failed;
}

function notesOf(wanted: readonly WantedTopic[], { topics, others }: ActualCluster): string[] {
  const unmanaged = wanted.flatMap((topic) => {
    const there = topics.get(topic.name);
    const names = there === undefined ? [] : unmanagedSettings(topic, there);
    return names.length === 0 ? [] : [`${topic.name} has settings that the file does not hold: ${names.join(', ')}`];
  });
  const rest =
    others.length === 0 ? [] : [`topics in the cluster that are not in the file, left alone: ${others.length}`];
  return [...unmanaged, ...rest];
}
