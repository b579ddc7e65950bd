import { describe, expect, it } from 'vitest';
import { TestVehicle } from '../fixture.ts';

describe('the rule of fault codes', () => {
  it('raises codes that become active, in one alert, and only those it is configured for', () => {
    const vehicle = new TestVehicle();
    expect(vehicle.report({ faultCodes: ['P0A80', 'U0100', 'P0A80', 'X1'] })[0]?.finding).toEqual({
      rule: 'maintenance_required',
      cause: 'fault_codes',
      faultCodes: ['P0A80', 'U0100'],
    });
    expect(vehicle.report({ faultCodes: ['P0A80', 'U0100', 'X1'] })).toEqual([]);
    expect(vehicle.report({ faultCodes: ['U0100', 'U0200'] })[0]?.finding).toMatchObject({ faultCodes: ['U0200'] });
  });

  it('raises a code that comes and goes once', () => {
    const vehicle = new TestVehicle();
    const told = Array.from({ length: 50 }, (_, i) => vehicle.tell({ faultCodes: i % 2 === 0 ? ['P0A80'] : [] }));
    expect(told.flat()).toEqual(['raised maintenance_required']);
  });

  it('clears all codes together when none was active for a while, and then raises anew', () => {
    const vehicle = new TestVehicle();
    vehicle.report({ faultCodes: ['P0A80', 'U0100'] });
    const told = Array.from({ length: 60 }, () => vehicle.report({ faultCodes: [] }));
    expect(told.slice(0, -1).flat()).toEqual([]);
    expect(told.at(-1)?.[0]).toMatchObject({ change: 'cleared', finding: { faultCodes: ['P0A80', 'U0100'] } });
    expect(vehicle.tell({ faultCodes: ['P0A80'] })).toEqual(['raised maintenance_required']);
  });

  it('learns nothing of faults from a message of another kind, however long it takes', () => {
    const vehicle = new TestVehicle();
    vehicle.report({ faultCodes: ['P0A80'] });
    expect(Array.from({ length: 200 }, () => vehicle.tell({ batteryLevel: 0.5 })).flat()).toEqual([]);
    expect(vehicle.tell({ faultCodes: [] })).toEqual(['cleared maintenance_required']);
  });

  it('remembers a bounded number of codes, the active ones first', () => {
    const vehicle = new TestVehicle();
    for (let round = 0; round < 5; round++) {
      const faultCodes = Array.from({ length: 40 }, (_, i) => `U${round}-${i}`);
      expect(vehicle.tell({ faultCodes })).toEqual(['raised maintenance_required']);
      expect(vehicle.tell({ faultCodes })).toEqual([]);
      expect(vehicle.state.faultCodes.length).toBeLessThanOrEqual(64);
    }
  });

  it('takes of a field of that name only what can be a fault code, and no more than 64', () => {
    const vehicle = new TestVehicle();
    const odd = [7, null, { code: 'P0A80' }, '', 'P'.repeat(33), 'U0100'] as unknown as string[];
    expect(vehicle.report({ faultCodes: odd })[0]?.finding).toMatchObject({ faultCodes: ['U0100'] });
    const many = Array.from({ length: 70_000 }, (_, i) => `U${i}`);
    vehicle.report({ faultCodes: many });
    expect(vehicle.state.faultCodes).toHaveLength(64);
    expect(vehicle.report({ faultCodes: many })).toEqual([]);
  });
});

describe('the rule of services by odometer', () => {
  const drive = (readings: readonly (number | null)[]) => {
    const vehicle = new TestVehicle();
    return readings.map((odometerM) => vehicle.report({ odometerM })[0]?.finding);
  };
  const due = (odometerM: number, dueAtM: number) => ({
    ...{ rule: 'maintenance_required', cause: 'odometer', odometerM, dueAtM },
  });

  it('raises when a multiple of the interval is passed', () => {
    expect(drive([14_999_990, 15_000_000, 15_000_010])).toEqual([undefined, due(15_000_000, 15_000_000), undefined]);
  });

  it('raises once when several multiples are passed at once', () => {
    expect(drive([1, 47_000_000])).toEqual([undefined, due(47_000_000, 45_000_000)]);
  });

  it('does not know what was due before the first reading', () => {
    expect(drive([90_000_001, null, 90_000_002])).toEqual([undefined, undefined, undefined]);
  });

  it('passes a multiple once when readings tremble', () => {
    const readings = [14_999_999, 15_000_001, 14_999_999, 15_000_001];
    expect(drive(readings).filter((finding) => finding !== undefined)).toHaveLength(1);
  });

  it('takes a much lower reading for another odometer', () => {
    expect(drive([40_000_000, 1_000, 15_000_000])).toEqual([undefined, undefined, due(15_000_000, 15_000_000)]);
  });
});
