import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules } from '../../../../gateway/core/alerts/compile.ts';
import { derive, noAlerts } from '../../../../gateway/core/alerts/derive.ts';
import { readStates, StateBlock } from '../../../../gateway/core/alerts/state/state-block.ts';
import { VehicleState } from '../../../../gateway/core/alerts/state/vehicle-state.ts';
import type { DeviceEvent } from '../../../../gateway/core/event.ts';
import { eventId } from '../../../../gateway/core/event-id.ts';
import { report, run, telemetry } from '../fixture.ts';
import { at, event, ruleSettings, square, startUs, TestVehicle } from './fixture.ts';

const rules = compileRules(ruleSettings, [square('yard', 'keep_out'), square('zone', 'keep_in', 0.5)]);

const message = fc.record({
  batteryLevel: fc.constantFrom(0.1, 0.17, 0.3),
  position: fc.oneof(fc.constant(null), fc.constantFrom(...[-0.5, 0.2, 0.7, 1.2].map((x) => at(x, 0.5).position))),
  speedMps: fc.constantFrom(null, 0, 7, 20),
  odometerM: fc.constantFrom(null, 14_000_000, 15_000_000, 31_000_000),
  faultCodes: fc.subarray(['P0A80', 'U0100', 'X1']),
});

/** Events as they may reach the gateway: of several boots, late, with clocks that jump. */
const events = fc.array(
  fc
    .record({ message, bootId: fc.nat({ max: 2 }), sequence: fc.nat({ max: 12 }), seconds: fc.nat({ max: 90 }) })
    .map(
      (each): DeviceEvent =>
        event(each.sequence, each.message, { bootId: each.bootId, timeUs: startUs + each.seconds * 1_000_000 }),
    ),
  { maxLength: 30 },
);

/** Of a device whose clock goes forward, out of order and with repetitions. */
const soundEvents = events.map((all) =>
  all.map((each) => ({ ...each, timeUs: startUs + (each.bootId * 100 + each.sequence * 5) * 1_000_000 })),
);

/** One report after the other, of an odometer that never falls. */
const drive = fc
  .array(fc.record({ message, afterMs: fc.constantFrom(100, 900, 1500, 2500, 40_000) }), { maxLength: 60 })
  .map((all) => {
    let timeUs = startUs;
    let odometerM = 13_000_000;
    return all.map((each, sequence): DeviceEvent => {
      timeUs += each.afterMs * 1000;
      if (each.message.odometerM !== null) odometerM += 400_000;
      const reading = each.message.odometerM === null ? null : odometerM;
      return event(sequence, { ...each.message, odometerM: reading }, { timeUs });
    });
  });

const deriveAll = (all: readonly DeviceEvent[], state = new VehicleState()) =>
  all.flatMap((each) => derive(each, state, rules));

function copyOf(state: VehicleState): VehicleState {
  const copy = new VehicleState();
  copy.copyFrom(state);
  return copy;
}

/** As it would be after a restart: as of the last report that was worth keeping. */
function keptAfter(all: readonly DeviceEvent[]): VehicleState {
  const state = new VehicleState();
  const kept = new VehicleState();
  for (const each of all) {
    const { timeUs, sequence, bootId } = state;
    derive(each, state, rules);
    const moved = state.timeUs !== timeUs || state.sequence !== sequence || state.bootId !== bootId;
    if (moved && state.notable) kept.copyFrom(state);
  }
  return kept;
}

function expectNothingNew(seen: readonly DeviceEvent[], state: VehicleState): void {
  const before = copyOf(state);
  for (const each of seen) expect(derive(each, state, rules)).toBe(noAlerts);
  expect(state).toEqual(before);
}

describe('deriving alerts', () => {
  it('names the causing event as its record does', () => {
    const { records } = run({ payload: telemetry() });
    const id = records[0]?.headers.ce_id as string;
    const [alert] = derive(event(42, { batteryLevel: 0.1 }, { bootId: report.bootId }), new VehicleState(), rules);
    expect(alert).toMatchObject({ id: `${id}:low_battery`, causationId: id, vehicleId: 'veh-7', severity: 'warning' });
    expect(eventId(event(-1, {}, { digest: 'abc:3' }))).toBe('unit-7:abc:3');
  });

  it('returns one and the same empty array when no rule fires', () => {
    expect(new TestVehicle().report({ batteryLevel: 0.5 })).toBe(noAlerts);
    expect(derive(event(1, {}, { message: undefined }), new VehicleState(), rules)).toBe(noAlerts);
  });

  it('applies no rule that is switched off', () => {
    const off = { enabled: false };
    const none = compileRules(
      {
        ...ruleSettings,
        lowBattery: { ...ruleSettings.lowBattery, ...off },
        faultCodes: { ...ruleSettings.faultCodes, ...off },
        odometerService: { ...ruleSettings.odometerService, ...off },
        suddenStop: { ...ruleSettings.suddenStop, ...off },
      },
      [],
    );
    expect(none).toEqual([]);
  });

  it('never fires for an event that it has taken before, nor moves the state by it', () => {
    fc.assert(
      fc.property(events, (all) => {
        const state = new VehicleState();
        const taken = all.filter((each) => {
          derive(each, state, rules);
          return state.timeUs === each.timeUs && state.bootId === each.bootId && state.sequence === each.sequence;
        });
        expectNothingNew(taken, state);
      }),
    );
  });

  it('never fires for an event of a sound device that it has seen, also one that was late', () => {
    fc.assert(
      fc.property(soundEvents, (all) => {
        const state = new VehicleState();
        deriveAll(all, state);
        expectNothingNew(all, state);
      }),
    );
  });

  it('gives no two alerts the same id', () => {
    fc.assert(
      fc.property(events, (all) => {
        // Two events of one id are one event: a device does not send the same numbers with another content.
        const distinct = [...new Map(all.map((each) => [eventId(each), each])).values()];
        const ids = deriveAll(distinct).map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  it('derives the same alerts again from the same state, also one that went through a file', () => {
    fc.assert(
      fc.property(events, events, (earlier, later) => {
        const state = new VehicleState();
        deriveAll(earlier, state);
        const copy = copyOf(state);
        const restored = new VehicleState();
        const block = new StateBlock();
        block.add('veh-7', state);
        readStates(block.bytes, (_, each) => restored.copyFrom(each));
        // Says something about the last report only.
        restored.notable = state.notable;
        const first = deriveAll(later, state);
        expect(deriveAll(later, copy)).toEqual(first);
        expect(deriveAll(later, restored)).toEqual(first);
        expect(copy).toEqual(state);
        // Where it is calm, a restart does not know.
        restored.calm = state.calm;
        expect(restored).toEqual(state);
      }),
    );
  });

  it('derives the same alerts from the last state that was worth keeping as from the newest', () => {
    fc.assert(
      fc.property(drive, fc.nat({ max: 60 }), (all, at) => {
        const [earlier, later] = [all.slice(0, at), all.slice(at)];
        const state = new VehicleState();
        deriveAll(earlier, state);
        expect(deriveAll(later, keptAfter(earlier))).toEqual(deriveAll(later, state));
      }),
      { numRuns: 2000 },
    );
  });

  it('marks the reports on which later alerts depend, and no others', () => {
    const vehicle = new TestVehicle([square('zone', 'keep_in')]);
    const isNotable = (message: object) => {
      vehicle.report(message);
      return vehicle.state.notable;
    };
    expect(isNotable({ batteryLevel: 0.5, speedMps: 3, ...at(5, 5) })).toBe(false);
    expect(isNotable({ odometerM: 1_000_000 })).toBe(true);
    expect(isNotable({ odometerM: 1_000_500 })).toBe(false);
    expect(isNotable({ ...at(0.5, 0.5) })).toBe(true);
    expect(isNotable({ ...at(0.6, 0.5) })).toBe(false);
    expect(isNotable({ faultCodes: ['P0A80'] })).toBe(true);
    expect(isNotable({ faultCodes: ['P0A80'] })).toBe(true);
    expect(isNotable({ faultCodes: [] })).toBe(false);
    expect(isNotable({ speedMps: 15 })).toBe(true);
  });

  it('derives no alert that is new when events since a snapshot come again, and earlier ones with them', () => {
    fc.assert(
      fc.property(soundEvents, soundEvents, (earlier, later) => {
        const state = new VehicleState();
        deriveAll(earlier, state);
        const snapshot = copyOf(state);
        const known = deriveAll(later, state);
        expect(deriveAll([...earlier, ...later, ...earlier], snapshot)).toEqual(known);
      }),
    );
  });

  it('passes over an event that is late: of an earlier time, or of an earlier boot', () => {
    const vehicle = new TestVehicle();
    vehicle.report({ batteryLevel: 0.5 }, { bootId: 2, sequence: 9 });
    const low = { batteryLevel: 0.1 };
    expect(vehicle.tell(low, { bootId: 2, sequence: 8 })).toEqual([]);
    expect(vehicle.tell(low, { bootId: 2, sequence: 10, timeUs: startUs - 1 })).toEqual([]);
    expect(vehicle.tell(low, { bootId: 1, sequence: 900, timeUs: startUs })).toEqual([]);
    expect(vehicle.tell(low, { bootId: 3, sequence: 0, timeUs: startUs + 2_000_000 })).toEqual(['raised low_battery']);
  });

  it('tells events without boot id and sequence apart by their time', () => {
    const vehicle = new TestVehicle();
    const unnamed = { bootId: -1, sequence: -1, digest: 'd', timeUs: startUs };
    expect(vehicle.tell({ batteryLevel: 0.1 }, unnamed)).toEqual(['raised low_battery']);
    expect(vehicle.tell({ batteryLevel: 0.9 }, unnamed)).toEqual([]);
    expect(vehicle.tell({ batteryLevel: 0.9 }, { ...unnamed, timeUs: startUs + 1 })).toEqual(['cleared low_battery']);
  });
});
