import { expect, test } from 'vitest';
import { escapeHtml, htmlPage, htmlTable } from '../../../faults/report/html-page.ts';

test('text cannot become markup', () => {
  expect(escapeHtml(`<a href="x">'&`)).toBe('&lt;a href=&quot;x&quot;&gt;&#39;&amp;');
  expect(htmlTable(['<b>'], [['<i>']])).toContain('<th>&lt;b&gt;</th>');
});

test('a page needs nothing from elsewhere', () => {
  const page = htmlPage('Soak & more', [htmlTable(['lost'], [[{ text: 0, mood: 'good' }], [1_234]])]);
  expect(page).toContain('<title>Soak &amp; more</title>');
  expect(page).toContain('<td class="number good">0</td>');
  expect(page).toContain('<td class="number">1,234</td>');
  expect(page).not.toMatch(/(src|href)=/);
});
