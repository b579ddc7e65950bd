import { execFileSync } from 'node:child_process';
import type { Cores } from './resources.ts';

/** Where the parts of a measurement run. */
export interface Placement {
  /** Undefined: nothing is pinned, and `reason` says why. */
  readonly cores: Cores | undefined;
  /** Cores for Kafka: of its own where there are more than two, else the load's. */
  readonly brokerCores: readonly number[];
  readonly reason: string;
}

const unpinned = (reason: string): Placement => ({ cores: undefined, brokerCores: [], reason });

/** The server alone on one core, the load on another, Kafka on what is left. Needs Linux, taskset and two cores. */
export const choosePlacement = (): Placement => {
  if (process.platform !== 'linux') return unpinned(`processes cannot be pinned on ${process.platform}`);
  const allowed = allowedCores();
  if (allowed === undefined) return unpinned('taskset (util-linux) is not installed');
  const [server, load, ...others] = allowed;
  if (server === undefined || load === undefined) return unpinned('there is only one core');
  return { cores: { server, load }, brokerCores: others.length > 0 ? others : [load], reason: 'taskset' };
};

/** Every core that a placement uses; none when nothing is pinned. */
export const allCores = ({ cores, brokerCores }: Placement): number[] =>
  cores === undefined ? [] : [...new Set([cores.server, cores.load, ...brokerCores])];

/** `0,2-5` → [0, 2, 3, 4, 5] */
export const parseCoreList = (list: string): number[] =>
  list
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first, last] = range.split('-').map(Number) as [number, number?];
      return Array.from({ length: (last ?? first) - first + 1 }, (_, offset) => first + offset);
    });

const allowedCores = (): number[] | undefined => {
  try {
    const answer = execFileSync('taskset', ['-cp', String(process.pid)], { encoding: 'latin1', stdio: 'pipe' });
    return parseCoreList(answer.slice(answer.lastIndexOf(':') + 1));
  } catch {
    return undefined;
  }
};

/** Command line that runs `command` on `cores`; unchanged when there are none. taskset replaces itself: the pid stays. */
export const pinned = (cores: readonly number[], command: readonly string[]): readonly string[] =>
  cores.length === 0 ? command : ['taskset', '-c', cores.join(','), ...command];

/** Moves a running process with all of its threads. */
export const pinRunning = (pid: number, cores: readonly number[]): void => {
  if (cores.length === 0) return;
  execFileSync('taskset', ['-a', '-cp', cores.join(','), String(pid)], { stdio: 'pipe' });
};
