/** A table of Markdown; nothing in its cells can end a cell or a row. */
export function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');

export const code = (text: string): string => `\`${text}\``;

/** Where a heading with this text is found (the rule of GitHub and GitLab). */
export const anchorOf = (heading: string): string =>
  `#${heading
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, '')
    .replaceAll(' ', '-')}`;

/** A link to a heading of the same page. */
export const linkTo = (heading: string, text = code(heading)): string => `[${text}](${anchorOf(heading)})`;

/** Parts of a page, with an empty line between any two. */
export const page = (...parts: readonly string[]): string => `${parts.join('\n\n')}\n`;
