import { totalmem } from 'node:os';
import { memoryUsage } from 'node:process';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * How near the ceiling is. 1: devices are held back as above the soft watermark. 2: new connections are refused, too; those
 * that are there go on, for only what is handled is let go of. 3: nothing is read, and connections that hold most are cut
 * off.
 */
export type MemoryLevel = 0 | 1 | 2 | 3;

export interface MemoryReading {
  readonly residentBytes: number;
  /** Of these: objects on V8's heap, and everything outside of it that they refer to, garbage included. */
  readonly occupiedBytes: number;
  readonly heapBytes: number;
  /** Beyond it V8 ends the process, however much memory there is. */
  readonly heapLimitBytes: number;
}

export interface MemoryWatchOptions {
  readonly ceilingBytes: number;
  readonly onLevel: (level: MemoryLevel, reading: MemoryReading) => void;
  /** At level 3, whenever collecting garbage was not enough: that many bytes should be let go of. */
  readonly onCritical: (excessBytes: number) => void;
  readonly read?: () => MemoryReading;
  /** Collects, and gives back pages that are free then. */
  readonly collectGarbage?: () => void;
  readonly monotonicMs?: () => number;
}

/** Shares of the ceiling at which the levels begin. Each ends a twentieth below, so that it does not flutter. */
const marks = [0.75, 0.85, 0.92] as const;
const hysteresis = 0.05;

/**
 * V8 and the allocator keep much of what is freed, and use it again: resident, but not lost. As long as no more is occupied
 * than these shares of what the ceiling leaves beside the program itself, the resident memory alone raises no alarm, or no
 * more than level 1. Otherwise there were no way back from a flood; and counted with the program, what an idle gateway takes
 * were an alarm under a low ceiling. Near the ceiling that ends: from the second mark on collections are asked for all the
 * same; hardly below the ceiling it is level 1 at least, and from the ceiling on the resident memory alone counts. What
 * fills it may be fragments, or native memory that V8 knows nothing of.
 */
const roomyShares = { noAlarm: 0.55, level1: 0.7 } as const;
/** Closer to the ceiling than the peak that a flood leaves behind, or there were no way back from that either. */
const floorMark = 0.97;
const floorHysteresis = 0.02;

const lookEveryMs = 50;
/**
 * Between two collections that are asked for: seldom where there is no alarm, for they stop everything; often where there is
 * one and the resident memory is `near` the ceiling: a flood fills 100 MB in a second.
 */
const collectEveryMs = { calm: 30_000, alarmed: 5000, near: 500 } as const;
/** A collection takes longer the more there is to keep: at most a sixth of the time is spent with them. */
const restPerCollection = 5;

/** What the process may take: as configured, or nine tenths of what the control group, or the machine, has. */
export function ceilingBytesOf(maxBytes: number): number {
  if (maxBytes > 0) return maxBytes;
  const constrained = process.constrainedMemory();
  const most = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.floor(most * 0.9);
}

/**
 * Watches the resident memory and V8's heap against their ceilings. The limits of the buffers make them an unlikely
 * place to get to; this is for what limits do not count: fragments, garbage, bytes that the kernel has handed over.
 *
 * V8 collects when its heap grows. Held back, it does not grow, and buffers that nothing refers to would stay: so
 * collections are asked for, or there were no way back.
 */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #read: () => MemoryReading;
  readonly #collect: () => void;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #collectedAtMs = Number.NEGATIVE_INFINITY;
  /** How long none is asked for after the last one, whatever the level. */
  #restMs = 0;
  /** How long the last one took. */
  #tookMs = 0;
  /**
   * Code, libraries, stacks: what was resident at the least beside what was occupied. At the start much of that is only what
   * loading the program has left; it shows as soon as garbage has filled it.
   */
  #fixedBytes: number;
  #floor: MemoryLevel = 0;
  level: MemoryLevel = 0;
  collections = 0;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#read = options.read ?? readMemory;
    this.#collect = options.collectGarbage ?? garbageCollector();
    this.#now = options.monotonicMs ?? (() => performance.now());
    this.#fixedBytes = beside(this.#read());
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), lookEveryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks once; done by the timer. */
  look(): void {
    let reading = this.#read();
    this.#fixedBytes = Math.min(this.#fixedBytes, beside(reading));
    const isCollected = (this.#isNear(reading) || this.#levelFor(reading) > 0) && this.#collectIfDue(reading);
    if (isCollected) reading = this.#read();
    const level = this.#levelFor(reading);
    if (isCollected) this.#rest(level < 3 && this.#isNear(reading));
    this.#floor = this.#floorOf(reading);
    if (level !== this.level) {
      this.level = level;
      this.#options.onLevel(level, reading);
    }
    if (level === 3 && isCollected) this.#options.onCritical(this.#excessBytes(reading));
  }

  #isNear({ residentBytes }: MemoryReading): boolean {
    return residentBytes >= marks[1] * this.#options.ceilingBytes;
  }

  #collectIfDue(reading: MemoryReading): boolean {
    const now = this.#now();
    if (now - this.#collectedAtMs < Math.max(this.#restMs, this.#collectEveryMs(reading))) return false;
    this.#collect();
    this.collections += 1;
    this.#collectedAtMs = this.#now();
    this.#tookMs = this.#collectedAtMs - now;
    return true;
  }

  #collectEveryMs(reading: MemoryReading): number {
    if (this.level === 0) return collectEveryMs.calm;
    return this.#isNear(reading) ? collectEveryMs.near : collectEveryMs.alarmed;
  }

  /** @param isInVain it did not help, and will not help so soon again. */
  #rest(isInVain: boolean): void {
    const longer = isInVain ? Math.min(collectEveryMs.calm, 2 * Math.max(this.#restMs, collectEveryMs.near)) : 0;
    this.#restMs = Math.max(longer, restPerCollection * this.#tookMs);
  }

  /** How much alarm the resident memory raises whatever is occupied: all that it can from the ceiling on. */
  #floorOf({ residentBytes }: MemoryReading): MemoryLevel {
    const share = residentBytes / this.#options.ceilingBytes;
    if (share >= (this.#floor === 3 ? 1 - hysteresis : 1)) return 3;
    return share >= (this.#floor > 0 ? floorMark - floorHysteresis : floorMark) ? 1 : 0;
  }

  #levelFor(reading: MemoryReading): MemoryLevel {
    const { residentBytes, occupiedBytes, heapBytes, heapLimitBytes } = reading;
    const { ceilingBytes } = this.#options;
    const resident = this.#levelOf(residentBytes / ceilingBytes);
    const heap = this.#levelOf(heapBytes / heapLimitBytes);
    const room = Math.max(1, ceilingBytes - this.#fixedBytes);
    const most = Math.max(this.#mostOf(occupiedBytes / room), this.#floorOf(reading));
    return Math.max(heap, Math.min(resident, most)) as MemoryLevel;
  }

  /** The highest level that the resident memory can bring about while no more than this share of the room is occupied. */
  #mostOf(occupiedShare: number): MemoryLevel {
    const isBelow = (mark: number, level: MemoryLevel) =>
      occupiedShare < (this.level >= level ? mark - hysteresis : mark);
    if (isBelow(roomyShares.noAlarm, 1)) return 0;
    return isBelow(roomyShares.level1, 2) ? 1 : 3;
  }

  #levelOf(share: number): MemoryLevel {
    for (const level of [3, 2, 1] as const) {
      const mark = marks[level - 1] as number;
      if (share >= (this.level >= level ? mark - hysteresis : mark)) return level;
    }
    return 0;
  }

  /** Down to the mark below: cutting off no more than it takes. */
  #excessBytes({ residentBytes }: MemoryReading): number {
    return Math.max(0, residentBytes - this.#options.ceilingBytes * marks[1]);
  }
}

const beside = ({ residentBytes, occupiedBytes }: MemoryReading): number => Math.max(0, residentBytes - occupiedBytes);

function readMemory(): MemoryReading {
  const { used_heap_size, external_memory, heap_size_limit } = getHeapStatistics();
  return {
    residentBytes: memoryUsage.rss(),
    occupiedBytes: used_heap_size + external_memory,
    heapBytes: used_heap_size,
    heapLimitBytes: heap_size_limit,
  };
}

/**
 * V8's own collector, without the flag having been given to the process. What V8 does as a last resort gives back pages that
 * are free, which it keeps otherwise: with a heap of 100 MB and buffers 60 to 110 MB, in about 100 ms instead of 40. Node.js
 * before 22 only collects.
 */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'major'; flavor: 'last-resort' }) => void;
  setFlagsFromString('--no-expose-gc');
  return () => collect({ type: 'major', flavor: 'last-resort' });
}
