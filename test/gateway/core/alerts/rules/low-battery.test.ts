import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TestVehicle } from '../fixture.ts';

describe('the rule of low batteries', () => {
  it('raises at the threshold itself, as devices report it in a float', () => {
    const vehicle = new TestVehicle();
    expect(vehicle.tell({ batteryLevel: Math.fround(0.16) })).toEqual([]);
    expect(vehicle.tell({ batteryLevel: Math.fround(0.15) })).toEqual(['raised low_battery']);
    expect(vehicle.tell({ batteryLevel: Math.fround(0.199) })).toEqual([]);
    expect(vehicle.tell({ batteryLevel: Math.fround(0.2) })).toEqual(['cleared low_battery']);
  });

  it('tells level and threshold', () => {
    expect(new TestVehicle().report({ batteryLevel: 0.1 })[0]?.finding).toEqual({
      rule: 'low_battery',
      batteryLevel: 0.1,
      thresholdLevel: Math.fround(0.15),
    });
  });

  it('says nothing about a report without a level', () => {
    expect(new TestVehicle().tell({ batteryLevel: null })).toEqual([]);
    expect(new TestVehicle().tell({})).toEqual([]);
  });

  it('alternates between raised and cleared, and never changes within the two thresholds', () => {
    const levels = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { maxLength: 60 });
    fc.assert(
      fc.property(levels, (batteryLevels) => {
        const vehicle = new TestVehicle();
        let low = false;
        for (const batteryLevel of batteryLevels) {
          const [alert, ...more] = vehicle.report({ batteryLevel });
          expect(more).toEqual([]);
          if (alert === undefined) continue;
          expect(alert.change).toBe(low ? 'cleared' : 'raised');
          expect(low ? batteryLevel >= Math.fround(0.2) : batteryLevel <= Math.fround(0.15)).toBe(true);
          low = !low;
        }
      }),
    );
  });
});
