import fc from 'fast-check';
import { LRUCache } from 'lru-cache';
import { describe, expect, it } from 'vitest';
import { readSnapshot, snapshotLines } from '../../../../../gateway/core/alerts/state/snapshot.ts';
import { VehicleState, type VehicleStates } from '../../../../../gateway/core/alerts/state/vehicle-state.ts';

const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const texts = fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 });
const state = fc
  .record({
    ...{ timeUs: number, bootId: number, sequence: number, batteryLow: fc.boolean() },
    ...{ speedMps: number, speedTimeUs: number, peakMps: number, peakTimeUs: number, odometerM: number },
    ...{ faultCodes: texts, faultTimeUs: number, inside: texts, left: texts },
  })
  .map((fields) => Object.assign(new VehicleState(), fields));
const states = fc.array(fc.tuple(fc.string({ unit: 'binary' }), state), { maxLength: 20 });

function restored(lines: Iterable<string>) {
  const entries: [string, VehicleState][] = [];
  const result = readSnapshot(lines, (vehicleId, each) => entries.push([vehicleId, each]));
  return { entries, result };
}

describe('the snapshot of states', () => {
  it('restores every state, in order, through text with line ends', () => {
    fc.assert(
      fc.property(states, (entries) => {
        const text = [...snapshotLines(entries)].join('\n');
        expect(restored(text.split('\n'))).toEqual({ entries, result: entries.length });
      }),
    );
  });

  it('restores a state that has seen nothing', () => {
    const fresh = ['veh-7', new VehicleState()] as const;
    expect(restored(snapshotLines([fresh])).entries).toEqual([fresh]);
  });

  it('keeps what an LRU cache has, and in what order it would forget', () => {
    const cache = new LRUCache<string, VehicleState>({ max: 3 });
    const before: VehicleStates = cache;
    for (const id of ['a', 'b', 'c', 'd']) before.set(id, new VehicleState());
    before.get('b');
    const after = new LRUCache<string, VehicleState>({ max: 3 });
    const entries = [...cache.rkeys()].map((id) => [id, cache.peek(id) as VehicleState] as const);
    readSnapshot(snapshotLines(entries), (id, each) => after.set(id, each));
    expect([...after.rkeys()]).toEqual(['c', 'd', 'b']);
  });

  it('is refused when it was torn anywhere', () => {
    fc.assert(
      fc.property(states, fc.nat(), (entries, cut) => {
        const text = [...snapshotLines(entries)].join('\n');
        const { result } = restored(text.slice(0, cut % text.length).split('\n'));
        expect(result).toHaveProperty('detail');
      }),
    );
  });

  it('is read, or refused with the line, whatever the lines hold', () => {
    const lines = fc.array(fc.oneof(fc.string(), fc.json()), { maxLength: 5 });
    fc.assert(
      fc.property(states, lines, fc.nat({ max: 5 }), (entries, noise, at) => {
        const damaged = [...snapshotLines(entries)].toSpliced(at, 1, ...noise);
        const { result } = restored(damaged);
        if (typeof result !== 'number') expect(result.line).toBeGreaterThan(0);
      }),
    );
  });

  it.each([
    ['of another version', ['{"format":"vehicle-alert-states","version":2}'], 'has version 2'],
    ['of something else', ['{"format":"spool","version":1}'], 'is not the header'],
    ['that goes on behind its end', [...snapshotLines([]), '[]'], 'something follows'],
    ['with too few vehicles', ['{"format":"vehicle-alert-states","version":1}', '{"vehicles":1}'], 'trailer tells 1'],
    ['that is empty', [], 'trailer is missing'],
  ])('is refused %s', (_, lines, detail) => {
    expect(restored(lines).result).toMatchObject({ detail: expect.stringContaining(detail) });
  });
});
