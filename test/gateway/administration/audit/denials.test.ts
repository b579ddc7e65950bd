import { describe, expect, it } from 'vitest';
import { Denials, sourceOf } from '../../../../gateway/administration/audit/denials.ts';

describe('denials', () => {
  it('have records of their own up to a share for each source, and are counted beyond', () => {
    const denials = new Denials({ perMinute: 2, perMinuteOverall: 100, maxSources: 10 });
    expect([1, 2, 3, 4].map(() => denials.take('a', 0))).toEqual([true, true, false, false]);
    expect(denials.take('b', 0)).toBe(true);
    expect(denials.drain()).toEqual([{ source: 'a', count: 2 }]);
    expect(denials.drain()).toEqual([]);
    expect(denials.take('a', 60_000)).toBe(true);
  });

  it('of many sources share a limit, and none of them is lost', () => {
    const denials = new Denials({ perMinute: 10, perMinuteOverall: 5, maxSources: 3 });
    const recorded = Array.from({ length: 100 }, (_, index) => denials.take(`source-${index}`, 0)).filter(Boolean);
    expect(recorded).toHaveLength(5);
    const counted = denials.drain();
    expect(counted.length).toBeLessThanOrEqual(4);
    expect(counted.reduce((sum, { count }) => sum + count, 0)).toBe(95);
  });
});

describe('the source of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ])('%s is %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});
