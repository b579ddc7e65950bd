import { readFileSync } from 'node:fs';

/**
 * Shifts the wall clock of the process that loads this with `--import`, as a step of the system's clock would: Date
 * moves, performance.now and timers do not. The address carries the file: `…/shifted-clock-preload.ts?file=/path`.
 */

/** How often the file is looked at; also how late a step takes effect. */
const LOOK_EVERY_MS = 20;

const SystemDate = Date;
const file = new URL(import.meta.url).searchParams.get('file') ?? '';
let offsetMs = readOffset();

class ShiftedDate extends SystemDate {
  constructor(...args: [] | ConstructorParameters<DateConstructor>) {
    if (args.length === 0) {
      super(ShiftedDate.now());
    } else {
      super(...(args as ConstructorParameters<DateConstructor>));
    }
  }

  static override now(): number {
    return SystemDate.now() + offsetMs;
  }
}

globalThis.Date = new Proxy(ShiftedDate, {
  // Date() without new answers text; a class cannot be called.
  apply: () => new ShiftedDate().toString(),
}) as unknown as DateConstructor;
// What `instanceof` and the constructor of a date say must agree with the Date that the program knows.
globalThis.Date.prototype.constructor = globalThis.Date;

setInterval(() => {
  offsetMs = readOffset();
}, LOOK_EVERY_MS).unref();

/** The last offset when the file can't be read: it is replaced in one step, so that no half of a number is ever seen. */
function readOffset(): number {
  try {
    const read = Number(readFileSync(file, 'utf8'));
    return Number.isFinite(read) ? read : offsetMs;
  } catch {
    return offsetMs;
  }
}
