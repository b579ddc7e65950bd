/** Pieces of an SVG document; coordinates in its user units, rounded to tenths to keep files small. */

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] as string);
export const rounded = (value: number): string => String(Math.round(value * 10) / 10);

export type Anchor = 'start' | 'middle' | 'end';

export const textAt = (x: number, y: number, text: string, anchor: Anchor = 'start', kind = ''): string =>
  `<text x="${rounded(x)}" y="${rounded(y)}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}` +
  `${kind === '' ? '' : ` class="${kind}"`}>${escaped(text)}</text>`;

export const line = (x1: number, y1: number, x2: number, y2: number, kind: string): string =>
  `<path class="${kind}" d="M${rounded(x1)} ${rounded(y1)}L${rounded(x2)} ${rounded(y2)}"/>`;

export const polyline = (points: readonly (readonly [number, number])[], kind: string): string =>
  `<path class="${kind}" d="M${points.map(([x, y]) => `${rounded(x)} ${rounded(y)}`).join('L')}"/>`;

/** A dot; `title` is what a pointer over it shows. */
export const dot = (x: number, y: number, radius: number, kind: string, title: string): string =>
  `<circle class="${kind}" cx="${rounded(x)}" cy="${rounded(y)}" r="${rounded(radius)}"><title>${escaped(title)}</title></circle>`;

/**
 * Series are told apart by colour and by their dots' labels. The colours keep a contrast of 3:1 to their background, in
 * the light as in the dark scheme of whoever looks at it, and differ for colour-blind readers, too.
 */
const style = `
.bg{fill:#fff}text{font:12px system-ui,sans-serif;fill:#1f2328}.h{font-weight:600;font-size:13px}.t{font-size:11px;fill:#59636e}
.g{stroke:#d1d9e0;stroke-width:1}.m{stroke:#59636e;stroke-width:1;stroke-dasharray:3 3;fill:none}
.l0,.l1,.l2,.l3{fill:none;stroke-width:2}
.l0{stroke:#0550ae}.l1{stroke:#bc4c00}.l2{stroke:#1a7f37}.l3{stroke:#8250df}
.d0{fill:#0550ae}.d1{fill:#bc4c00}.d2{fill:#1a7f37}.d3{fill:#8250df}
@media(prefers-color-scheme:dark){.bg{fill:#0d1117}text{fill:#e6edf3}.t{fill:#9198a1}.g{stroke:#3d444d}.m{stroke:#9198a1}
.l0{stroke:#58a6ff}.l1{stroke:#f0883e}.l2{stroke:#3fb950}.l3{stroke:#bc8cff}
.d0{fill:#58a6ff}.d1{fill:#f0883e}.d2{fill:#3fb950}.d3{fill:#bc8cff}}
`.trim();

/** A whole document with its own background: readable wherever it is shown. */
export const svgDocument = (width: number, height: number, title: string, body: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title><style>${style}</style><rect class="bg" width="${width}" height="${height}"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
