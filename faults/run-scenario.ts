import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../deploy/local/wait-for.ts';
import { type Account, accountOf, describeAccount } from './accounting.ts';
import { type DuplicateBound, type DuplicateCauses, duplicateBoundOf } from './duplicate-bound.ts';
import type { GatewayUnderTest } from './gateway-under-test.ts';
import { waitForInSync } from './injectors/cluster-view.ts';
import { withEarlierVerdicts } from './judge/earlier-verdicts.ts';
import type { Verdict } from './judge/judge.ts';
import { LiveWorld, type WorldOptions } from './live-world.ts';
import { type Problem, problemsOf, type ScenarioRun } from './result.ts';

const WARM_DEADLINE_MS = 60_000;
const RECOVERY_DEADLINE_MS = 90_000;
const READY_DEADLINE_MS = 60_000;
const DRAIN_DEADLINE_MS = 60_000;
const SETTLE_DEADLINE_MS = 10_000;

const noDuplicates: DuplicateBound = { all: 0, unexplained: 0 };

export interface RunOptions extends WorldOptions {
  readonly seconds: number;
}

/**
 * Runs one scenario: warm-up, steady, fault, recovery, and the judgement of everything that was sent and answered. What
 * goes wrong is a problem of the result; only what keeps every scenario from running is thrown.
 */
export async function runScenario(options: RunOptions): Promise<ScenarioRun> {
  const { scenario, seed, mutant, onProgress } = options;
  const startedAtMs = performance.now();
  const described = {
    ...{ name: scenario.name, title: scenario.title, what: scenario.what, seed },
    ...(mutant === undefined ? {} : { mutant: mutant.name }),
    ran: true,
  } as const;
  onProgress('start');
  await using world = await LiveWorld.open(options);
  const phase = (name: string): void => {
    world.timeline.mark('phase', name);
    onProgress(name);
  };
  const recoveryMs = await untilQuiet(world, options, phase);
  await attempt(world, 'the end', () => inspect(world, options));
  phase('judgement');
  let verdict: Verdict | undefined;
  let duplicateBound = 0;
  await attempt(world, 'the judgement', async () => {
    const last = await world.judge();
    verdict = withEarlierVerdicts(last, world.earlierVerdicts);
    const bound = scenario.noDuplicates === true ? noDuplicates : duplicateBoundOf(causesOf(world, last.resent));
    duplicateBound = bound.all;
    world.problems.push(...problemsOf(verdict, bound.all, bound.unexplained));
    onProgress(describeVerdict(verdict, bound));
  });
  const durationMs = performance.now() - startedAtMs;
  const { problems, timeline } = world;
  return { ...described, durationMs, verdict, duplicateBound, problems, recoveryMs, timeline };
}

/** What the table does not show. */
const describeVerdict = (verdict: Verdict, bound: DuplicateBound): string =>
  `${verdict.duplicated} duplicates of at most ${bound.all}, ` +
  `of what was not sent again ${verdict.unexplained} of at most ${bound.unexplained}; ` +
  `Kafka has ${verdict.sentOnceStored} of ${verdict.sentOnce} publishes at QoS 0`;

const causesOf = ({ gateways, timeline, explainedDuplicates }: LiveWorld, resent: number): DuplicateCauses => ({
  resent,
  reported: gateways.reduce((sum, gateway) => sum + gateway.possibleDuplicates, 0),
  explained: explainedDuplicates,
  inFlight: Math.max(0, ...timeline.samples.map(({ inFlight }) => inFlight)),
  faults: timeline.marks.filter(({ kind }) => kind === 'fault').length,
});

/** From the warm-up until nothing is outstanding. Returns how long acknowledgements took to flow again after the fault. */
async function untilQuiet(
  world: LiveWorld,
  { scenario, stage, form, fleet, seconds }: RunOptions,
  phase: (name: string) => void,
): Promise<number | undefined> {
  let recoveryMs: number | undefined;
  phase('warm-up');
  await attempt(world, 'the warm-up', async () => {
    await untilAnswering(world, fleet.vehicles, WARM_DEADLINE_MS);
    await delay(form.warmUpMs);
  });
  phase('steady');
  await delay(form.steadyMs);
  phase('fault');
  await attempt(world, 'the fault', () => scenario.fault(world, seconds));
  const faultEndedAtMs = performance.now();
  phase('recovery');
  await attempt(world, 'the recovery', async () => {
    // Mends only what a fault that broke off has left behind.
    await stage.repair();
    await untilAnswering(world, fleet.vehicles, RECOVERY_DEADLINE_MS);
    recoveryMs = performance.now() - faultEndedAtMs;
    await untilReady(world);
    await delay(form.afterMs);
    const left = await world.fleet.drain(DRAIN_DEADLINE_MS);
    if (left > 0) world.problems.push({ finding: 'unanswered', text: `${left} publishes are still outstanding` });
    await waitForInSync(world.kafka.bootstrap, Object.values(world.topics));
  });
  return recoveryMs;
}

/** Waits until all devices are connected and a new answer has come. */
async function untilAnswering(world: LiveWorld, vehicles: number, deadlineMs: number): Promise<void> {
  const before = await world.fleet.summary();
  await waitFor(
    async () => {
      const { connected, acked } = await world.fleet.summary();
      return connected === vehicles && acked > before.acked;
    },
    { deadlineMs, everyMs: 100, what: 'all devices to be connected and publishes to be answered' },
  );
}

/** A gateway that works again has to say so, or no load balancer would ever send it devices. */
async function untilReady(world: LiveWorld): Promise<void> {
  await waitFor(
    async () => (await Promise.all(world.gateways.map((each) => each.observe()))).every(({ ready }) => ready),
    {
      ...{ deadlineMs: READY_DEADLINE_MS, everyMs: 100, what: 'every gateway to be ready again' },
    },
  );
}

/** Looks at the gateways when nothing is outstanding any more, and ends them. */
async function inspect(world: LiveWorld, { scenario, mutant }: RunOptions): Promise<void> {
  await scenario.check?.(world);
  for (const gateway of world.gateways) {
    const account = await settledAccount(gateway);
    if (account.inFlight !== 0) {
      const text = `something is in flight with nothing outstanding: ${describeAccount(account)}`;
      world.problems.push({ finding: 'account', text });
    }
  }
  if (mutant !== undefined) {
    const edited = world.gateway.log.some(({ event }) => event === 'mutant_edited');
    if (!edited) world.problems.push({ finding: 'broken', text: 'the gateway ran without the mistake' });
  }
  await world.endLooks();
  await world.fleet.close();
  for (const gateway of world.gateways) {
    // Looks at it once more before it ends.
    const exitCode = await gateway.end('SIGTERM');
    world.demand(exitCode === 0, `a gateway with nothing to do ended with exit code ${exitCode}, not 0`);
    world.demand(gateway.looks > 0, 'the accounts of a gateway were never looked at');
    world.problems.push(...gateway.accountProblems.map((text): Problem => ({ finding: 'account', text })));
  }
}

/** Nobody waits for QoS 0, so that it may still be in flight for a moment. Returns the last account that was seen. */
async function settledAccount(gateway: GatewayUnderTest): Promise<Account> {
  const endMs = performance.now() + SETTLE_DEADLINE_MS;
  for (;;) {
    const account = accountOf(await gateway.metrics());
    if (account.inFlight === 0 || performance.now() >= endMs) return account;
    await delay(50);
  }
}

/** What fails in one phase is noted, and does not keep the next ones from telling what they can. */
async function attempt(world: LiveWorld, phase: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    world.problems.push({ finding: 'broken', text: `${phase}: ${reason}` });
  }
}
