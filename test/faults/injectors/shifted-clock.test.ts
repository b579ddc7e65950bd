import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ShiftedClock } from '../../../faults/injectors/shifted-clock.ts';
import { waitFor } from '../../support/wait-for.ts';

const HOUR_MS = 3_600_000;

/** Tells its clocks every 10 ms. */
const TELL_TIME = `
  const { statSync } = require('node:fs');
  setInterval(() => {
    const made = new Date();
    console.log(JSON.stringify({
      now: Date.now(), made: made.getTime(), called: Date.parse(Date()), given: new Date(2026, 0, 1).getFullYear(),
      steadyMs: performance.now(), utc: Date.UTC(1970, 0, 1),
      isDate: made instanceof Date && statSync('.').mtime instanceof Date && made.constructor === Date.prototype.constructor,
    }));
  }, 10);
`;

interface Told {
  readonly now: number;
  readonly made: number;
  readonly called: number;
  readonly given: number;
  readonly steadyMs: number;
  readonly utc: number;
  readonly isDate: boolean;
}

describe('a shifted clock', () => {
  let clock: ShiftedClock;
  let child: ChildProcess | undefined;
  let told: Told[] = [];
  beforeEach(async () => {
    clock = await ShiftedClock.create();
    told = [];
  });
  afterEach(async () => {
    if (child !== undefined) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await clock.close();
  });

  function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
    child = spawn(process.execPath, [...args, '-e', TELL_TIME], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes.toString()).split('\n');
      rest = lines.pop() ?? '';
      told.push(...lines.map((line) => JSON.parse(line) as Told));
    });
  }

  /** Waits until the child's clock is off by this much, give or take a minute. */
  const untilOff = (offsetMs: number): Promise<Told> =>
    waitFor(() => told.findLast(({ now }) => Math.abs(now - Date.now() - offsetMs) < 60_000), {
      deadlineMs: 10_000,
      what: `the clock of the process to be off by ${offsetMs} ms`,
    });

  it('is right at first, and steps forth and back while the process runs', async () => {
    start(clock.execArgv);
    const before = await untilOff(0);
    await clock.set(HOUR_MS);
    await untilOff(HOUR_MS);
    await clock.set(-HOUR_MS);
    const behind = await untilOff(-HOUR_MS);
    expect(behind.steadyMs).toBeGreaterThan(before.steadyMs);
    expect(behind.steadyMs - before.steadyMs).toBeLessThan(60_000);
  });

  it('is the same however the program asks for the time, and leaves given times alone', async () => {
    await clock.set(HOUR_MS);
    start([], { NODE_OPTIONS: clock.nodeOptions });
    const shifted = await untilOff(HOUR_MS);
    expect(Math.abs(shifted.made - shifted.now)).toBeLessThan(60_000);
    expect(Math.abs(shifted.called - shifted.now)).toBeLessThan(60_000);
    expect(shifted).toMatchObject({ given: 2026, utc: 0, isDate: true });
    // Had the process started with the right time, this would be its first line.
    expect(told[0]?.now).toBeGreaterThan(Date.now() + HOUR_MS / 2);
  });

  it('lets the process end by itself', async () => {
    child = spawn(process.execPath, [...clock.execArgv, '-e', '0'], { stdio: 'inherit' });
    expect((await once(child, 'exit'))[0]).toBe(0);
    child = undefined;
  });
});
