import { readFileSync } from 'node:fs';

/*
 * Shifts the wall clock of the process that loads this file with `--import`, as a step of the system's clock would: Date
 * moves, performance.now and timers do not. The address carries the file that holds the offset:
 * `…/shifted-clock-preload.ts?file=/path`.
 */

/** How often the file is looked at, and so how late a step takes effect. */
const LOOK_EVERY_MS = 20;

const systemNow = Date.now.bind(Date);
const file = new URL(import.meta.url).searchParams.get('file') ?? '';
let offsetMs = 0;

const shiftedNow = (): number => systemNow() + offsetMs;
const look = (): void => {
  try {
    const read = Number(readFileSync(file, 'utf8'));
    offsetMs = Number.isFinite(read) ? read : offsetMs;
  } catch {
    // The harness has gone, or has not set an offset: the last one stays.
  }
};

// In place, because it is what a program calls for every message; only making a date goes the long way.
Date.now = shiftedNow;
globalThis.Date = new Proxy<DateConstructor>(Date, {
  construct: (target, args: unknown[], newTarget: object) =>
    Reflect.construct(target, args.length === 0 ? [shiftedNow()] : args, newTarget as DateConstructor) as object,
  apply: (target: DateConstructor) => new target(shiftedNow()).toString(),
});

look();
setInterval(look, LOOK_EVERY_MS).unref();
