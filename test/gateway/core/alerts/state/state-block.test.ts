import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStates, StateBlock } from '../../../../../gateway/core/alerts/state/state-block.ts';
import { VehicleState } from '../../../../../gateway/core/alerts/state/vehicle-state.ts';

const number = fc.double({ noNaN: true });
const text = fc.string({ unit: 'binary' });
const texts = fc.array(text, { maxLength: 5 });
const state = fc
  .record({
    ...{ timeUs: number, bootId: number, sequence: number, batteryLow: fc.boolean() },
    ...{ speedMps: number, speedTimeUs: number, peakMps: number, peakTimeUs: number, odometerM: number },
    ...{ faultCodes: texts, faultTimeUs: number, inside: texts, left: texts },
  })
  .map((fields) => Object.assign(new VehicleState(), fields));
const states = fc.array(fc.tuple(text, state), { maxLength: 20 });

function blockOf(entries: readonly (readonly [string, VehicleState])[]): StateBlock {
  const block = new StateBlock();
  for (const [vehicleId, each] of entries) expect(block.add(vehicleId, each)).toBe(true);
  return block;
}

function read(bytes: Uint8Array) {
  const entries: [string, VehicleState][] = [];
  const isWhole = readStates(bytes, (vehicleId, each) => entries.push([vehicleId, each]));
  return { entries, isWhole };
}

describe('a block of states', () => {
  it('has the layout of the files that are there', () => {
    const state = new VehicleState();
    Object.assign(state, { timeUs: 1, bootId: 2, sequence: 3, speedMps: 4, speedTimeUs: 5, peakMps: 6, peakTimeUs: 7 });
    Object.assign(state, { odometerM: 8, faultTimeUs: 9, batteryLow: true, faultCodes: ['P1'], inside: ['a'] });
    const numbers = Buffer.alloc(9 * 8);
    for (let i = 0; i < 9; i++) numbers.writeDoubleBE(i + 1, 8 * i);
    const rest = Buffer.from('\x01\0\x01\0\x02P1\0\x01\0\x01a\0\0', 'latin1');
    expect(Buffer.from(blockOf([['v', state]]).bytes)).toEqual(
      Buffer.concat([Buffer.from('\0\x01v', 'latin1'), numbers, rest]),
    );
  });

  it('gives back every state, in order', () => {
    fc.assert(
      fc.property(states, (entries) => {
        expect(read(blockOf(entries).bytes)).toEqual({ entries, isWhole: true });
      }),
    );
  });

  it('gives back a state that has seen nothing', () => {
    const fresh: [string, VehicleState] = ['veh-7', new VehicleState()];
    expect(read(blockOf([fresh]).bytes)).toEqual({ entries: [fresh], isWhole: true });
  });

  it('is empty after it was cleared', () => {
    const block = blockOf([['veh-7', new VehicleState()]]);
    block.clear();
    expect(block.bytes).toHaveLength(0);
  });

  it('says of any other bytes that they are none, or reads states, and does not throw', () => {
    fc.assert(
      fc.property(states, fc.nat(), fc.nat(255), (entries, at, byte) => {
        const bytes = blockOf(entries).bytes.slice();
        expect(read(bytes.subarray(0, at % (bytes.length + 1))).entries.length).toBeLessThanOrEqual(entries.length);
        bytes[at % Math.max(1, bytes.length)] = byte;
        read(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        read(bytes);
      }),
    );
  });

  it('refuses an id, and a number of fences, that cannot be told', () => {
    expect(new StateBlock().add('v'.repeat(65_536), new VehicleState())).toBe(false);
    const everywhere = new VehicleState();
    everywhere.inside = Array.from({ length: 65_536 }, (_, i) => `f${i}`);
    const block = new StateBlock();
    expect(block.add('v', everywhere)).toBe(false);
    expect(block.length).toBe(0);
  });
});
