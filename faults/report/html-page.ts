/** Text for inside of an element or a quoted attribute of HTML or SVG. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** A cell: text, or a number that is set to the right. `bad` and `good` colour it. */
export interface Cell {
  readonly text: string | number;
  readonly mood?: 'good' | 'bad';
}

export function htmlTable(head: readonly string[], rows: readonly (readonly (Cell | string | number)[])[]): string {
  const cell = (content: Cell | string | number): string => {
    const { text, mood } = typeof content === 'object' ? content : { text: content, mood: undefined };
    const names = [typeof text === 'number' ? 'number' : '', mood ?? ''].filter((name) => name !== '').join(' ');
    const shown = typeof text === 'number' ? text.toLocaleString('en-US') : text;
    return `<td${names === '' ? '' : ` class="${names}"`}>${escapeHtml(shown)}</td>`;
  };
  const headings = head.map((name) => `<th>${escapeHtml(name)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  return `<table><thead><tr>${headings}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

/**
 * A whole page that needs nothing but itself: no script, no address outside of it.
 *
 * @param title plain text
 * @param body HTML
 */
export function htmlPage(title: string, body: readonly string[]): string {
  const escaped = escapeHtml(title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped}</title>
<style>
:root { color-scheme: light dark; --ink: #1c2330; --paper: #fff; --soft: #5a6476; --grid: #e3e7ee; --ground: #f0f2f6;
  --good: #10733f; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --paper: #12161d; --soft: #99a3b4; --grid: #2c333f;
  --ground: #1d232d; --good: #4cc38a; --bad: #ff8a80; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1000px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { border-bottom: 1px solid var(--grid); padding: 0.25em 0.8em; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
svg { width: 100%; height: auto; display: block; margin: 0.5em 0 1.5em; fill: var(--ink); }
code { background: var(--ground); padding: 0.1em 0.3em; }
</style>
</head>
<body>
<h1>${escaped}</h1>
${body.join('\n')}
</body>
</html>
`;
}
