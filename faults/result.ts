import type { FleetSample } from './fleet/fleet-process.ts';
import { type VerdictFinding, verdictFindings } from './judge/findings.ts';
import type { Verdict } from './judge/judgement.ts';

/** What can make a run red. The closed set that mutants are held to: the judge's own findings, and … */
export const findings = [
  ...verdictFindings,
  /** Published, and never answered although everything works again. */
  'unanswered',
  /** The gateway's own account does not add up. */
  'account',
  /** The gateway holds more than its settings allow. */
  'memory',
  /** Something that this scenario in particular demands. */
  'check',
  /** The scenario did not come to its end. */
  'broken',
] as const;
export type Finding = (typeof findings)[number];

export interface Problem {
  readonly finding: Finding;
  readonly text: string;
}

/** A moment on the timeline: the beginning of a phase, or something done to the system. Milliseconds since the epoch. */
export interface Mark {
  readonly atMs: number;
  readonly kind: 'phase' | 'fault';
  readonly label: string;
}

/** The gateway as seen from outside, several times a second. */
export interface GatewayObservation {
  readonly atMs: number;
  readonly running: boolean;
  /** What `/readyz` says; undefined while nothing answers. */
  readonly ready: boolean | undefined;
  /** Resident memory, bytes; 0 while it does not run. */
  readonly residentBytes: number;
  /** The level of the watermarks, 0 to 2; undefined when `/metrics` did not answer. */
  readonly pressure: number | undefined;
}

export interface TimelineRecord {
  readonly marks: readonly Mark[];
  readonly samples: readonly FleetSample[];
  readonly observations: readonly GatewayObservation[];
}

interface Named {
  readonly name: string;
  readonly title: string;
  readonly what: string;
  readonly seed: number;
  /** Name of the mistake that was built into the gateway. */
  readonly mutant?: string;
}

/** A scenario that was run; judged, unless it broke before. */
export interface ScenarioRun extends Named {
  readonly ran: true;
  readonly durationMs: number;
  readonly verdict: Verdict | undefined;
  /** Most duplicates that the faults explain. */
  readonly duplicateBound: number;
  readonly problems: readonly Problem[];
  /** From the end of the fault until acknowledgements flowed again; undefined when they never did. */
  readonly recoveryMs: number | undefined;
  readonly timeline: TimelineRecord;
}

/** A scenario that this machine cannot run. Never the same as one that passed. */
export interface ScenarioNotRun extends Named {
  readonly ran: false;
  readonly reason: string;
}

export type ScenarioResult = ScenarioRun | ScenarioNotRun;

export const isRed = (result: ScenarioResult): boolean => result.ran && result.problems.length > 0;
export const found = (result: ScenarioResult, finding: Finding): boolean =>
  result.ran && result.problems.some((problem) => problem.finding === finding);

const inWords: Readonly<Record<Exclude<VerdictFinding, 'duplicated'>, string>> = {
  lost: 'lost: answered, and not on Kafka',
  lostLetters: 'of the lost are dead letters',
  phantom: 'on Kafka that were never sent',
  outOfOrder: 'out of order',
  split: 'vehicles on two partitions',
  wrongPartition: 'on another partition than their key belongs to',
  wrongId: 'with another event id than their device, boot and sequence make',
  altered: 'that say something else than what was sent',
  misjudged: 'invalid ones among the events, or valid ones among the dead letters',
};

/**
 * What the judge found about a fleet that has been drained, as problems. Duplicates are one only above their bounds.
 *
 * @param duplicateBound most duplicates, sent again or not
 * @param unexplainedBound most duplicates beyond the times that their message was sent
 */
export function problemsOf(verdict: Verdict, duplicateBound: number, unexplainedBound = duplicateBound): Problem[] {
  const problems: Problem[] = [];
  for (const finding of verdictFindings) {
    const figure = verdict[finding];
    if (finding === 'duplicated') {
      const text = `${figure} duplicates, where the faults explain ${duplicateBound}`;
      if (figure > duplicateBound) problems.push({ finding, text });
    } else if (figure > 0) {
      problems.push({ finding, text: `${figure} ${inWords[finding]}` });
    }
  }
  const { unexplained, compared, inKafka, inDeadLetters } = verdict;
  if (unexplained > unexplainedBound) {
    const text = `${unexplained} duplicates of what was not sent again, where the faults explain ${unexplainedBound}`;
    problems.push({ finding: 'duplicated', text });
  }
  if (compared < inKafka + inDeadLetters) {
    const text = `only ${compared} of ${inKafka + inDeadLetters} messages were compared with what was sent`;
    problems.push({ finding: 'check', text });
  }
  if (verdict.unanswered > 0) {
    problems.push({ finding: 'unanswered', text: `${verdict.unanswered} publishes were sent and never answered` });
  }
  if (verdict.sentOnce > 0 && verdict.sentOnceStored === 0) {
    problems.push({ finding: 'check', text: `none of ${verdict.sentOnce} publishes at QoS 0 came through` });
  }
  if (verdict.acked === 0) problems.push({ finding: 'check', text: 'nothing was acknowledged at all' });
  return problems;
}

/** The last line of the output. */
export interface MatrixFigures {
  readonly scenarios: number;
  readonly acked: number;
  readonly lost: number;
  readonly phantom: number;
  readonly outOfOrder: number;
  readonly split: number;
  readonly duplicated: number;
  readonly duplicateBound: number;
  readonly mutantsCaught: number;
  readonly mutants: number;
  /** Names of the scenarios that this machine could not run; left out when all were. */
  readonly notRun?: readonly string[];
}

/** Sums over the scenarios that were run; mutants are only counted. */
export function figuresOf(results: readonly ScenarioResult[], mutants: readonly MutantResult[]): MatrixFigures {
  const ran = results.filter((result) => result.ran);
  const notRun = [...new Set(results.filter((result) => !result.ran).map(({ name }) => name))];
  const sum = (read: (run: ScenarioRun) => number | undefined): number =>
    ran.reduce((total, run) => total + (read(run) ?? 0), 0);
  return {
    scenarios: ran.length,
    acked: sum(({ verdict }) => verdict?.acked),
    lost: sum(({ verdict }) => verdict?.lost),
    phantom: sum(({ verdict }) => verdict?.phantom),
    outOfOrder: sum(({ verdict }) => verdict?.outOfOrder),
    split: sum(({ verdict }) => verdict?.split),
    duplicated: sum(({ verdict }) => verdict?.duplicated),
    duplicateBound: sum(({ duplicateBound }) => duplicateBound),
    mutantsCaught: mutants.filter(({ caught }) => caught).length,
    mutants: mutants.length,
    ...(notRun.length === 0 ? {} : { notRun }),
  };
}

export interface MutantResult {
  readonly name: string;
  readonly what: string;
  readonly expects: Finding;
  /** The verdict was red for what this mistake does, and nothing was red without it. */
  readonly caught: boolean;
  readonly run: ScenarioResult;
  /** The same conditions without the mistake; undefined where they are those of a scenario of the matrix. */
  readonly control: ScenarioResult | undefined;
}

/** Holds a run with a mistake built in, and the one without it, against each other. */
export function judgeMutant(
  { name, what, expects }: Pick<MutantResult, 'name' | 'what' | 'expects'>,
  run: ScenarioResult,
  control: ScenarioResult | undefined,
): MutantResult {
  const isGreenWithout = control === undefined || (control.ran && !isRed(control));
  return { name, what, expects, caught: found(run, expects) && isGreenWithout, run, control };
}

/**
 * Whether everything is as it must be. What could not be run is not good: 2, unless that is allowed; a matrix of which
 * nothing ran is 2 in any case.
 */
export function exitCodeOf(
  results: readonly ScenarioResult[],
  mutants: readonly MutantResult[],
  { allowNotRun = false }: { readonly allowNotRun?: boolean } = {},
): 0 | 1 | 2 {
  if (results.some(isRed) || mutants.some(({ caught, run }) => run.ran && !caught)) return 1;
  const runs = [...results, ...mutants.map(({ run }) => run)];
  if (!(allowNotRun || runs.every(({ ran }) => ran))) return 2;
  return runs.some(({ ran }) => ran) ? 0 : 2;
}
