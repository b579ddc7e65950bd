import type { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { CodedError } from '../core/coded-error.ts';
import { printable } from '../core/printable.ts';
import {
  type DeviceRow,
  type Fields,
  fieldNames,
  fieldsRule,
  longestLine,
  missingFields,
  textOf,
  toDeviceRow,
} from './device-row.ts';

export type DeviceCsvErrorCode = 'not_csv' | 'wrong_columns';

/** What is to be read is no CSV of devices. Its message holds nothing of what was read but names of columns. */
export class DeviceCsvError extends CodedError<DeviceCsvErrorCode> {
  override readonly name = 'DeviceCsvError';
  /** From 1 on; undefined where nobody knows. */
  readonly line: number | undefined;

  constructor(code: DeviceCsvErrorCode, message: string, line: number | undefined) {
    super(code, message);
    this.line = line;
  }
}

interface CsvRow {
  readonly record: Fields;
  /** `error`: the row has not as many values as there are columns. */
  readonly info: { readonly lines: number; readonly error?: CsvError | undefined };
}

const longestQuote = 140;

/**
 * Reads devices from CSV (RFC 4180, with a header line) as a stream. Rows that are wrong carry their `problem`, so that all
 * of them can be named at once.
 *
 * @param input bytes; destroyed at the end.
 * @throws {DeviceCsvError} for what is no CSV with these columns; what `input` fails with, as it is.
 */
export async function* readDeviceCsv(input: Readable): AsyncGenerator<DeviceRow> {
  const parser = parse({
    columns: checkColumns,
    relax_column_count: true,
    info: true,
    bom: true,
    trim: true,
    skip_empty_lines: true,
    max_record_size: longestLine,
  });
  // A stream that breaks must break the parser, or the loop below would wait for ever.
  input.on('error', (error: Error) => parser.destroy(error));
  input.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRow>) {
      const problem =
        info.error === undefined ? problemOf(record) : 'the row has not as many values as there are columns';
      yield toDeviceRow(record, { enabled: textOf(record, 'enabled') !== 'false', line: info.lines, problem });
    }
  } catch (error) {
    throw error instanceof CsvError ? notCsv(error) : error;
  } finally {
    input.destroy();
  }
}

/** What the parser says quotes what it has read, which may be a secret; its code does not. */
const notCsv = ({ code, lines }: CsvError): DeviceCsvError =>
  new DeviceCsvError(
    'not_csv',
    `this is no CSV with a header line (${code}); ${fieldsRule}`,
    typeof lines === 'number' ? lines : undefined,
  );

function problemOf(record: Fields): string | undefined {
  const enabled = textOf(record, 'enabled');
  if (['', 'true', 'false'].includes(enabled)) return undefined;
  return `enabled ${quote(enabled)} is neither true nor false`;
}

/** Whoever reads it: nothing in it ends a line or moves a cursor. */
const quote = (text: string): string => printable(JSON.stringify(text.slice(0, longestQuote)));

function checkColumns(names: readonly string[]): string[] {
  const problems = columnProblems(names);
  if (problems.length === 0) return [...names];
  throw new DeviceCsvError('wrong_columns', `${problems.join(', ')}; ${fieldsRule}`, 1);
}

function columnProblems(names: readonly string[]): string[] {
  // A file without a header line begins with a device, and its secret.
  if (!names.some((name) => fieldNames.includes(name))) return ['the first line names no columns'];
  const unknown = names.filter((name) => !fieldNames.includes(name));
  const repeated = names.filter((name, index) => fieldNames.includes(name) && names.indexOf(name) !== index);
  return [
    ...missingFields(names).map((name) => `column ${name} is missing`),
    ...unknown.map((name) => `column ${quote(name)} is unknown`),
    ...repeated.map((name) => `column ${name} stands twice`),
  ];
}
