import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const microsecondsPerSecond = 1_000_000;
/** USER_HZ: the unit of times in /proc, fixed at 100 on every Linux that Node runs on (proc(5)). */
const ticksPerSecond = 100;
const bytesPerKilobyte = 1024;

/**
 * CPU time, user and system, that a process has used over all of its threads, in microseconds; the resolution is 10 ms.
 * Linux: /proc/PID/stat. Elsewhere: `ps`. Throws when the process is gone.
 */
export const processCpuUs = (pid: number): number =>
  process.platform === 'linux'
    ? parseStatCpuUs(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    : parsePsTimeUs(execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'latin1' }));

/**
 * Resident memory of a process in bytes. Throws when the process is gone. Linux: what the process itself has allocated
 * (RssAnon); pages of its program and libraries, which the system drops and reads again as it likes, are not in it.
 * Elsewhere: all of it, from `ps`.
 */
export const residentBytes = (pid: number): number => {
  if (process.platform === 'linux') {
    const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    if (kilobytes === undefined) throw new Error(`no RssAnon in /proc/${pid}/status`);
    return Number(kilobytes) * bytesPerKilobyte;
  }
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'latin1' })) * bytesPerKilobyte;
};

/** utime and stime, fields 14 and 15 of proc_pid_stat(5). The name in field 2 may itself hold spaces and brackets. */
export const parseStatCpuUs = (stat: string): number => {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(afterName[11]) + Number(afterName[12]);
  return (ticks / ticksPerSecond) * microsecondsPerSecond;
};

/** `[[dd-]hh:]mm:ss[.cc]`, as ps prints accumulated CPU time on the BSDs and macOS. */
export const parsePsTimeUs = (time: string): number => {
  const [days, clock] = time.includes('-') ? (time.trim().split('-') as [string, string]) : ['0', time.trim()];
  const seconds = clock.split(':').reduce((total, part) => total * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * microsecondsPerSecond;
};

/** Ticks of one core since boot: all, idle ones, and those that a hypervisor gave to somebody else. */
export interface CoreTicks {
  readonly total: number;
  readonly idle: number;
  readonly stolen: number;
}

/** What a core has done so far, or undefined where there is no /proc/stat. */
export const coreTicks = (core: number): CoreTicks | undefined =>
  process.platform === 'linux' ? parseCoreTicks(readFileSync('/proc/stat', 'latin1'), core) : undefined;

/** Line `cpuN` of proc_stat(5): user nice system idle iowait irq softirq steal (guest time is within user). */
export const parseCoreTicks = (stat: string, core: number): CoreTicks | undefined => {
  const line = new RegExp(`^cpu${core} (.+)$`, 'm').exec(stat)?.[1];
  if (line === undefined) return undefined;
  const ticks = line.split(' ').slice(0, 8).map(Number);
  const total = ticks.reduce((sum, each) => sum + each, 0);
  return { total, idle: (ticks[3] ?? 0) + (ticks[4] ?? 0), stolen: ticks[7] ?? 0 };
};
