import type { TObject, TSchema } from 'typebox';
import { describeAllowed } from './check.ts';
import { gatewaySettings } from './schema.ts';
import { isArraySchema, isObjectSchema, keywords, variableOf } from './settings-tree.ts';

type Path = readonly string[];

const introduction = `# Configuration

Generated from the schema of the settings by \`npm run docs\`; not to be edited.

The gateway reads its settings once, at the start: the defaults below, over them the YAML file of \`--config\`, over that
the environment. \`npm start -- --config FILE --print-config\` prints what results, secrets masked, and ends.

- A setting that does not exist, a value that is not allowed, and settings that contradict each other refuse the start with
  a message that names each of them. Nothing is converted: \`"5"\` is not a number.
- Every setting has an environment variable. Numbers, booleans and lists are written as in YAML (which JSON is a part of):
  \`EDGE_KAFKA_BOOTSTRAP_BROKERS='["kafka-1:9092","kafka-2:9092"]'\`. A variable that begins with \`EDGE_\` and is no setting
  refuses the start too, except for the addresses of services that Kubernetes adds by itself.
- Relative paths start from the folder of the file, in the environment from the working directory, among the defaults from
  the folder in which the gateway is installed.
- Units are in the names: \`Ms\`, \`Seconds\`, \`Bytes\`, \`Records\`.
`;

/** The reference of all settings as Markdown: one table per section. */
export const configurationReference = (): string => {
  const { sections, leaves } = split(gatewaySettings);
  const parts = [introduction, '## Top level\n', table(leaves, [])];
  for (const [key, schema] of sections) parts.push(...section(key, schema, [key]));
  return `${parts.join('\n')}`;
};

function section(title: string, schema: TObject, path: Path): string[] {
  const { sections, leaves } = split(schema);
  const parts = [`## ${title}\n`, `${keywords(schema).description}\n`, table(leaves, path)];
  for (const [key, child] of sections) parts.push(...section(`${title}.${key}`, child, [...path, key]));
  return parts;
}

/** Sections get tables of their own, and so do lists of mappings, whose items are settings again. */
function split(schema: TObject) {
  const sections: [string, TObject][] = [];
  const leaves: [string, TSchema][] = [];
  for (const [key, child] of Object.entries(schema.properties)) {
    if (isObjectSchema(child)) sections.push([key, child]);
    else leaves.push([key, child]);
    if (isArraySchema(child) && isObjectSchema(child.items)) sections.push([`${key}[]`, child.items]);
  }
  return { sections, leaves };
}

const inItem = (path: Path): boolean => path.some((key) => key.endsWith('[]'));

function table(leaves: readonly (readonly [string, TSchema])[], path: Path): string {
  const columns = inItem(path)
    ? ['Setting', 'Allowed', 'Default', 'Description']
    : ['Setting', 'Allowed', 'Default', 'Environment', 'Description'];
  const rows = leaves.map(([key, schema]) => {
    const variable = inItem(path) ? [] : [`\`${variableOf([...path, key])}\``];
    return [`\`${key}\``, allowed(schema), defaultOf(schema), ...variable, keywords(schema).description ?? ''];
  });
  return markdownTable([columns, ...rows]);
}

/** Columns of even width, as the formatter would have them. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  lines.splice(
    1,
    0,
    widths.map((width) => '-'.repeat(width)),
  );
  return `${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}\n`;
}

function allowed(schema: TSchema): string {
  if (isArraySchema(schema) && !isObjectSchema(schema.items)) {
    return `${describeAllowed(schema)}, each: ${allowed(schema.items)}`;
  }
  return describeAllowed(schema);
}

/** Lists of mappings are too long for a cell; their defaults stand in the file that `--print-config` prints. */
function defaultOf(schema: TSchema): string {
  const value = keywords(schema).default;
  if (value === undefined) return isOptionalSchema(schema) ? 'none' : 'must be given';
  if (isArraySchema(schema) && isObjectSchema(schema.items)) return 'see `--print-config`';
  return value === '' ? 'empty' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

const isOptionalSchema = (schema: TSchema): boolean => '~optional' in schema;
