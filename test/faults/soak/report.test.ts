import { expect, test } from 'vitest';
import { renderRows, soakPage, soakRows } from '../../../faults/soak/report.ts';
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
