import { expect, test } from 'vitest';
import { describeTrend, renderRows, soakPage, soakRows } from '../../../faults/soak/report.ts';
import { goodSoak } from './measured.ts';

test('the table tells what is bad', () => {
  const good = goodSoak();
  expect(renderRows(soakRows(good))).not.toContain('BAD');
  const lost = renderRows(soakRows({ ...good, verdict: { ...good.verdict, lost: 3 } }));
  expect(lost).toMatch(/lost +3 +BAD/);
});

test('the page draws memory, rate and latency, and needs nothing from elsewhere', () => {
  const page = soakPage(goodSoak());
  expect(page.match(/<svg/g)).toHaveLength(4);
  expect(page).toContain('leaders &lt;move&gt;');
  expect(page).toContain('npm run soak -- --minutes 30 --rate 5000 --vehicles 1000 --seed 3');
  expect(page).not.toMatch(/(src|href)=/);
  expect(page).not.toContain('NaN');
});

test('a trend that has settled is told with both slopes', () => {
  const [, resident] = goodSoak().memory.trends;
  if (resident === undefined) throw new Error('resident memory was not judged');
  const figures = { slopeMbPerHour: 12, lowMbPerHour: 1, highMbPerHour: 40, levelBytes: 345e6 };
  expect(describeTrend({ ...resident, ...figures, trend: 'flat', settledMbPerHour: -0.31 })).toBe(
    'flat: 12.0 MB/h (95 %: 1.0 to 40.0), over the second half −0.3, around 345 MB',
  );
});
