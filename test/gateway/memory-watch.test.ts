import { describe, expect, it } from 'vitest';
import { ceilingBytesOf, MemoryWatch } from '../../gateway/memory-watch.ts';

/** A watch over a ceiling of 1000 bytes, and what it was told and did. */
function watchOf() {
  const state = {
    residentBytes: 0,
    occupiedBytes: 1000,
    heapBytes: 0,
    heapLimitBytes: 1000,
    nowMs: 0,
    garbageBytes: 0,
    collectionMs: 0,
  };
  const levels: number[] = [];
  const excess: number[] = [];
  let collections = 0;
  const watch = new MemoryWatch({
    ceilingBytes: 1000,
    onLevel: (level) => levels.push(level),
    onCritical: (bytes) => excess.push(bytes),
    read: () => state,
    collectGarbage: () => {
      collections += 1;
      state.nowMs += state.collectionMs;
      state.residentBytes -= state.garbageBytes;
      state.garbageBytes = 0;
    },
    monotonicMs: () => state.nowMs,
  });
  const look = (residentBytes: number, afterMs = 50) => {
    state.nowMs += afterMs;
    state.residentBytes = residentBytes;
    watch.look();
  };
  return { watch, state, levels, excess, look, collections: () => collections };
}

describe('the watch over the memory', () => {
  it('rises at its marks, and falls a twentieth below them', () => {
    const { levels, look } = watchOf();
    for (const bytes of [749, 750, 849, 850, 801, 799, 701, 699, 920, 871, 869]) look(bytes);
    expect(levels).toEqual([1, 2, 1, 0, 3, 2]);
  });

  it('minds the heap as well: V8 ends the process at its own limit', () => {
    const { state, levels, look } = watchOf();
    state.heapBytes = 860;
    look(100);
    expect(levels).toEqual([2]);
  });

  it('has garbage collected before it raises the alarm, but not at every look', () => {
    const { state, levels, look, collections } = watchOf();
    state.garbageBytes = 300;
    look(800);
    expect(levels).toEqual([]);
    expect(collections()).toBe(1);
    look(800);
    for (let i = 0; i < 90; i += 1) look(800);
    expect(levels).toEqual([1]);
    expect(collections()).toBe(1);
    look(800, 5000);
    expect(collections()).toBe(2);
    look(860, 450);
    expect(collections()).toBe(2);
    look(860);
    expect(collections()).toBe(3);
  });

  it('has it collected less and less often where that is in vain, and never for more than a sixth of the time', () => {
    const { state, look, collections } = watchOf();
    look(900);
    const seconds: number[] = [];
    for (let before = collections(); state.nowMs < 100_000; before = collections()) {
      look(900);
      if (collections() > before) seconds.push(Math.round(state.nowMs / 1000));
    }
    expect(seconds).toEqual([1, 3, 7, 15, 31, 61, 91]);
    state.collectionMs = 1000;
    state.garbageBytes = 500;
    look(900, 30_000);
    const first = collections();
    const untilMs = state.nowMs + 4900;
    while (state.nowMs < untilMs) look(900);
    expect(collections()).toBe(first);
    look(900, 150);
    expect(collections()).toBe(first + 1);
  });

  it('finds its way back by itself, when nothing is read that would make V8 collect', () => {
    const { state, levels, look } = watchOf();
    look(900);
    state.garbageBytes = 600;
    look(900, 2000);
    expect(levels).toEqual([2, 0]);
  });

  it('is not alarmed by what the allocator keeps of memory that is free', () => {
    const { state, levels, look } = watchOf();
    look(910);
    state.occupiedBytes = 600;
    look(910);
    state.occupiedBytes = 500;
    look(910);
    expect(levels).toEqual([2, 1]);
    // Garbage that comes and goes brings no alarm that comes and goes.
    for (const bytes of [499, 549, 499]) {
      state.occupiedBytes = bytes;
      look(910);
    }
    expect(levels).toEqual([2, 1, 0]);
    state.occupiedBytes = 800;
    look(910);
    expect(levels).toEqual([2, 1, 0, 2]);
  });

  it('finds its way back under a low ceiling, much of which the program itself takes', () => {
    const state = { residentBytes: 450, occupiedBytes: 100, heapBytes: 0, heapLimitBytes: 1000 };
    const levels: number[] = [];
    const onLevel = (level: number) => levels.push(level);
    const watch = new MemoryWatch({ ceilingBytes: 1000, onLevel, onCritical: () => {}, read: () => state });
    for (const occupiedBytes of [590, 300, 340]) {
      Object.assign(state, { residentBytes: 940, occupiedBytes });
      watch.look();
    }
    expect(levels).toEqual([3, 0]);
  });

  it('takes for fixed what was resident beside objects at the least, not what the start has left behind', () => {
    const state = { residentBytes: 600, occupiedBytes: 100, heapBytes: 0, heapLimitBytes: 1000 };
    const levels: number[] = [];
    const onLevel = (level: number) => levels.push(level);
    const watch = new MemoryWatch({ ceilingBytes: 1000, onLevel, onCritical: () => {}, read: () => state });
    // Garbage fills what the start had left: 250 bytes are resident for other reasons.
    Object.assign(state, { residentBytes: 700, occupiedBytes: 450 });
    watch.look();
    Object.assign(state, { residentBytes: 800, occupiedBytes: 200 });
    watch.look();
    expect(levels).toEqual([]);
  });

  it('collects near the ceiling, and holds devices back just below it, however little of the memory is occupied', () => {
    const { state, levels, look, collections } = watchOf();
    state.occupiedBytes = 100;
    look(849);
    expect(collections()).toBe(0);
    look(850);
    expect(collections()).toBe(1);
    look(920, 29_000);
    expect(collections()).toBe(1);
    expect(levels).toEqual([]);
    look(970);
    look(951);
    look(949);
    expect(levels).toEqual([1, 0]);
  });

  it('stops reading at the ceiling, whatever it is that fills the memory', () => {
    const { state, levels, excess, look } = watchOf();
    state.occupiedBytes = 100;
    look(1000);
    expect(excess).toEqual([150]);
    look(951);
    look(949);
    look(999);
    expect(levels).toEqual([3, 0, 1]);
  });

  it('says how much too much there is, as long as it is critical and collecting does not help', () => {
    const { excess, look } = watchOf();
    look(950);
    look(880);
    look(880);
    expect(excess).toEqual([100]);
    look(930, 950);
    look(940);
    expect(excess).toEqual([100, 80]);
  });
});

describe('the ceiling', () => {
  it('is what is configured, or most of what there is', () => {
    expect(ceilingBytesOf(123_456_789)).toBe(123_456_789);
    expect(ceilingBytesOf(0)).toBeGreaterThan(100_000_000);
  });
});

describe('the watch in a real process', () => {
  it('reads its memory and can collect', () => {
    const levels: number[] = [];
    const watch = new MemoryWatch({ ceilingBytes: 1, onLevel: (level) => levels.push(level), onCritical: () => {} });
    watch.look();
    expect(levels).toEqual([3]);
    expect(watch.collections).toBe(1);
  });

  it('has pages given back that V8 would keep', async () => {
    const resident = () => process.memoryUsage.rss();
    let hold: object[] = [];
    for (let round = 0; round < 10; round += 1) {
      hold = Array.from({ length: 60_000 }, (_, i) => ({ text: `x${i}`, bytes: Buffer.allocUnsafeSlow(200) }));
    }
    const fullBytes = resident();
    expect(hold).toHaveLength(60_000);
    hold = [];
    const watch = new MemoryWatch({ ceilingBytes: 1, onLevel: () => {}, onCritical: () => {} });
    watch.look();
    expect(resident()).toBeLessThan(fullBytes - 20 * 1024 * 1024);
  });
});
