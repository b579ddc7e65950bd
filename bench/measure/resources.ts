import { type CoreTicks, coreTicks, processCpuUs } from './processes.ts';

/** Cores that processes are pinned to. */
export interface Cores {
  readonly server: number;
  readonly load: number;
}

/** Everything that is read at the beginning and at the end of a measured window. */
export interface ResourceReading {
  readonly serverCpuUs: number;
  readonly loadCpuUs: number;
  readonly serverCore: CoreTicks | undefined;
  readonly loadCore: CoreTicks | undefined;
}

/** What was used between two readings; shares are of one core, 0 to 1. */
export interface ResourceUse {
  readonly serverCpuUs: number;
  readonly serverShare: number;
  readonly loadShare: number;
  /** How busy the load's core was with everything that ran on it; undefined when unpinned. */
  readonly loadCoreShare: number | undefined;
  readonly serverCoreShare: number | undefined;
  /** Share of the server's core that the hypervisor gave away meanwhile: noise. */
  readonly stolenShare: number;
}

/** Reads the use of the server (a whole process) and of this process, which makes the load. */
export const readResources = (serverPid: number, cores: Cores | undefined): ResourceReading => {
  const own = process.cpuUsage();
  return {
    serverCpuUs: processCpuUs(serverPid),
    loadCpuUs: own.user + own.system,
    serverCore: cores && coreTicks(cores.server),
    loadCore: cores && coreTicks(cores.load),
  };
};

export const resourcesBetween = (before: ResourceReading, after: ResourceReading, elapsedMs: number): ResourceUse => {
  const elapsedUs = elapsedMs * 1000;
  const serverCpuUs = after.serverCpuUs - before.serverCpuUs;
  return {
    serverCpuUs,
    serverShare: serverCpuUs / elapsedUs,
    loadShare: (after.loadCpuUs - before.loadCpuUs) / elapsedUs,
    loadCoreShare: share(before.loadCore, after.loadCore, (ticks) => ticks.total - ticks.idle),
    serverCoreShare: share(before.serverCore, after.serverCore, (ticks) => ticks.total - ticks.idle),
    stolenShare: share(before.serverCore, after.serverCore, (ticks) => ticks.stolen) ?? 0,
  };
};

const share = (
  before: CoreTicks | undefined,
  after: CoreTicks | undefined,
  part: (ticks: CoreTicks) => number,
): number | undefined => {
  if (before === undefined || after === undefined) return undefined;
  const total = after.total - before.total;
  return total === 0 ? undefined : (part(after) - part(before)) / total;
};
