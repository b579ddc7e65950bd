import { createReadStream } from 'node:fs';
import { CsvError, parse } from 'csv-parse';
import { CommandFailure } from '../../command/failure.ts';
import type { ImportRow } from '../import-devices.ts';

const required = ['device_id', 'kind', 'bound_to'];
const optional = ['secret', 'enabled'];

interface Row {
  readonly record: Readonly<Record<string, string>>;
  /** `error`: the row has not as many values as there are columns. */
  readonly info: { readonly lines: number; readonly error?: CsvError | undefined };
}

/**
 * Reads devices from CSV (RFC 4180, with a header line) as a stream.
 *
 * @param path file, or `-` for standard input.
 * @param mayGenerate whether rows without a secret are allowed: only where the generated one is written somewhere.
 * Rows that are wrong carry their `problem`, so that all of them can be named at once.
 *
 * @throws {CommandFailure} when the file can't be read or is no such CSV.
 */
export async function* readDevicesCsv(path: string, mayGenerate: boolean): AsyncGenerator<ImportRow> {
  const input = path === '-' ? process.stdin : createReadStream(path);
  const parser = parse({
    columns: checkColumns,
    relax_column_count: true,
    info: true,
    bom: true,
    trim: true,
    skip_empty_lines: true,
  });
  // A stream that breaks must break the parser, or the loop below would wait forever.
  input.on('error', (error: Error) => parser.destroy(error));
  input.pipe(parser);
  try {
    for await (const row of parser as AsyncIterable<Row>) yield toImportRow(row, mayGenerate);
  } catch (error) {
    if (error instanceof CsvError) throw new CommandFailure(`${path}: ${error.message}\nnothing was added`);
    if (error instanceof Error && 'syscall' in error) throw unreadable(path, error);
    throw error;
  } finally {
    input.destroy();
  }
}

function checkColumns(names: readonly string[]): string[] {
  const missing = required.filter((name) => !names.includes(name));
  const unknown = names.filter((name) => !required.includes(name) && !optional.includes(name));
  const repeated = names.filter((name, index) => names.indexOf(name) !== index);
  const problems = [
    ...missing.map((name) => `column ${name} is missing`),
    ...unknown.map((name) => `column ${JSON.stringify(name)} is unknown`),
    ...repeated.map((name) => `column ${name} stands twice`),
  ];
  if (problems.length === 0) return [...names];
  const allowed = `needed: ${required.join(', ')}; optional: ${optional.join(', ')}`;
  throw new CommandFailure(`line 1: ${problems.join(', ')}; ${allowed}\nnothing was added`);
}

function unreadable(path: string, error: Error): CommandFailure {
  const columns = 'device_id,kind,bound_to[,secret][,enabled]';
  return new CommandFailure(`cannot read ${path}: ${error.message}; a CSV with the columns ${columns} is needed`, 2);
}

function toImportRow(row: Row, mayGenerate: boolean): ImportRow {
  const { device_id = '', kind = '', bound_to = '', secret = '', enabled = '' } = row.record;
  const line = row.info.lines;
  const problem = rowProblem(row, mayGenerate);
  return { deviceId: device_id, kind, boundTo: bound_to, secret, enabled: enabled !== 'false', line, problem };
}

function rowProblem({ record, info }: Row, mayGenerate: boolean): string | undefined {
  const { secret = '', enabled = '' } = record;
  if (info.error !== undefined) return 'the row has not as many values as there are columns';
  if (secret === '' && !mayGenerate)
    return 'the row has no secret, and --secrets-out names no file for a generated one';
  if (!['', 'true', 'false'].includes(enabled)) return `enabled ${JSON.stringify(enabled)} is neither true nor false`;
  return undefined;
}
