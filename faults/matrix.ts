import { Admin } from '@platformatic/kafka';
import type { OnLog } from '../deploy/local/progress.ts';
import { mutants as allMutants, type Mutant } from './mutants/mutants.ts';
import type { FaultOptions } from './options.ts';
import {
  isRed,
  judgeMutant,
  type MutantResult,
  type Problem,
  type ScenarioResult,
  type ScenarioRun,
} from './result.ts';
import { type RunOptions, runScenario } from './run-scenario.ts';
import type { FleetWish, Form, Need, Scenario } from './scenario.ts';
import { mergeSections } from './scenario-settings.ts';
import { scenarioNamed } from './scenarios/scenarios.ts';
import { openStage, type Stage, shortageOf } from './stage.ts';

const longForm: Form = { short: false, warmUpMs: 5000, steadyMs: 5000, afterMs: 5000 };
const shortForm: Form = { short: true, warmUpMs: 1000, steadyMs: 1000, afterMs: 1000 };
const longFleet: FleetWish = {
  ...{ vehicles: 200, ratePerSecond: 1000, window: 8 },
  ...{ rejectShare: 0.02, qos2Share: 0.1, qos0Share: 0.05 },
};
const shortFleet: FleetWish = { ...longFleet, ratePerSecond: 500 };

export interface MatrixResult {
  readonly results: readonly ScenarioResult[];
  readonly mutants: readonly MutantResult[];
}

/** Runs the scenarios, as often as wished, and then the mutants, all on one cluster. */
export async function runMatrix(options: FaultOptions, onLog: OnLog): Promise<MatrixResult> {
  const scenarios = options.scenarios.map(scenarioNamed);
  const mutants = options.mutants ? allMutants : [];
  const shortages = await shortagesOf([...scenarios, ...mutants.map(({ scenario }) => scenarioNamed(scenario))]);
  const fleet = options.short ? shortFleet : longFleet;
  await using stage = await openStage(
    { vehicles: fleet.vehicles, needs: new Set(needsOf(scenarios)), short: options.short },
    onLog,
  );
  const results: ScenarioResult[] = [];
  const mutantResults: MutantResult[] = [];
  let broken: string | undefined;
  const run = async (scenario: Scenario, seed: number, mutant?: Mutant): Promise<ScenarioResult> => {
    const lacking = (scenario.needs ?? []).flatMap((need) => shortages.get(need) ?? []);
    if (lacking.length > 0) return notRun(scenario, seed, lacking.join('; '));
    if (broken !== undefined) return notRun(scenario, seed, broken);
    const runOptions = optionsOf(scenario, seed, mutant, options, stage, fleet, onLog);
    const result = await runScenario(runOptions).catch((error: unknown) => brokenRun(runOptions, error));
    const damage = await cleanUp(stage);
    if (damage === undefined) return told(result, onLog);
    broken = `the servers were broken by ${scenario.name}`;
    return told({ ...result, problems: [...result.problems, damage] }, onLog);
  };
  for (let round = 0; round < options.repeat; round += 1) {
    for (const scenario of scenarios) results.push(await run(scenario, options.seed + round));
  }
  for (const mutant of mutants) {
    const unmutated = options.short ? undefined : controlOf(mutant);
    const control = unmutated && (await run(unmutated, options.seed));
    const result = judgeMutant(mutant, await run(scenarioNamed(mutant.scenario), options.seed, mutant), control);
    onLog(`mutant ${mutant.name}: ${result.caught ? 'caught' : 'NOT CAUGHT'}`);
    mutantResults.push(result);
  }
  return { results, mutants: mutantResults };
}

/** What has to stay green without the mistake: undefined for a mutant without settings and a load of its own. */
function controlOf({ scenario: name, settings, fleet }: Mutant): Scenario | undefined {
  if (settings === undefined && fleet === undefined) return undefined;
  const scenario = scenarioNamed(name);
  return {
    ...scenario,
    settings: mergeSections([scenario.settings ?? {}, settings ?? {}]),
    fleet: { ...scenario.fleet, ...fleet },
    seconds: { short: scenario.seconds.short, long: scenario.seconds.short },
  };
}

function optionsOf(
  scenario: Scenario,
  seed: number,
  mutant: Mutant | undefined,
  { short, seconds }: FaultOptions,
  stage: Stage,
  fleet: FleetWish,
  onLog: OnLog,
): RunOptions {
  const label = mutant === undefined ? scenario.name : `${scenario.name} [${mutant.name}]`;
  return {
    ...{ scenario, stage, seed, mutant },
    form: short ? shortForm : longForm,
    fleet: { ...fleet, ...scenario.fleet, ...mutant?.fleet },
    // A mutant shows within the short fault.
    seconds: mutant === undefined ? (seconds ?? scenario.seconds[short ? 'short' : 'long']) : scenario.seconds.short,
    onProgress: (phase) => onLog(`${label}: ${phase}`),
  };
}

function told(run: ScenarioRun, onLog: OnLog): ScenarioRun {
  onLog(`${run.name}: ${isRed(run) ? 'RED' : 'ok'} after ${(run.durationMs / 1000).toFixed(1)} s`);
  for (const { finding, text } of run.problems) onLog(`  ${finding}: ${text}`);
  return run;
}

/** Leaves the stage as it was found, whatever happened. That this cannot be done is a problem of what was run on it. */
async function cleanUp(stage: Stage): Promise<Problem | undefined> {
  try {
    await stage.repair();
    await deleteTopics(stage);
    return undefined;
  } catch (error) {
    return { finding: 'broken', text: `the servers cannot be repaired: ${textOf(error)}` };
  }
}

/** The next scenario has topics of its own; old ones would only keep three brokers busy. */
async function deleteTopics({ kafka }: Stage): Promise<void> {
  const admin = new Admin({ clientId: 'faults', bootstrapBrokers: kafka.bootstrap, retries: 5 });
  try {
    const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } finally {
    await admin.close();
  }
}

const brokenRun = ({ scenario, seed, mutant }: RunOptions, error: unknown): ScenarioRun => ({
  ...{ name: scenario.name, title: scenario.title, what: scenario.what, seed },
  ...(mutant === undefined ? {} : { mutant: mutant.name }),
  ...{ ran: true, durationMs: 0, verdict: undefined, duplicateBound: 0, recoveryMs: undefined },
  problems: [{ finding: 'broken', text: textOf(error) }],
  timeline: { marks: [], samples: [], observations: [] },
});

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const notRun = ({ name, title, what }: Scenario, seed: number, reason: string): ScenarioResult => ({
  ...{ name, title, what, seed, reason },
  ran: false,
});

const needsOf = (scenarios: readonly Scenario[]): Need[] => scenarios.flatMap(({ needs = [] }) => needs);

async function shortagesOf(scenarios: readonly Scenario[]): Promise<Map<Need, string>> {
  const shortages = new Map<Need, string>();
  for (const need of new Set(needsOf(scenarios))) {
    const shortage = await shortageOf(need);
    if (shortage !== undefined) shortages.set(need, shortage);
  }
  return shortages;
}
