import { Readable } from 'node:stream';
import { DeviceCsvError, readDeviceCsv } from '../device-rows/device-csv.ts';
import {
  type DeviceRow,
  type Fields,
  fieldNames,
  fieldsRule,
  longestLine,
  toDeviceRow,
} from '../device-rows/device-row.ts';
import { Problem } from './problem.ts';

export const importTypes = ['text/csv', 'application/x-ndjson'] as const;

/** Passes the body on, and refuses it as soon as it is longer than it may be. */
export async function* boundedBody(
  body: Readable,
  maxBytes: number,
  seen: (chunk: Buffer) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  try {
    // To destroy it would close the connection, and nobody would see the answer.
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new Problem('too_large', `at most ${maxBytes} bytes at once; send it in parts`);
      seen(chunk);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('client_gone', 'the body did not come to its end');
  }
}

/**
 * Reads the devices of a body as a stream. Rows that are wrong carry their `problem`, so that all of them can be named at
 * once.
 *
 * @throws {Problem} for what is no CSV or JSON at all, and for more devices than may come at once.
 */
export async function* rowsOf(
  type: string,
  bytes: AsyncIterable<Buffer>,
  maxDevices: number,
): AsyncGenerator<DeviceRow> {
  let count = 0;
  for await (const row of type.toLowerCase().startsWith('text/csv') ? csvRows(bytes) : jsonRows(bytes)) {
    count += 1;
    if (count > maxDevices) throw new Problem('too_large', `at most ${maxDevices} devices at once; send them in parts`);
    yield row;
  }
}

/** As in a file for the `devices` command. */
async function* csvRows(bytes: AsyncIterable<Buffer>): AsyncGenerator<DeviceRow> {
  try {
    yield* readDeviceCsv(Readable.from(bytes));
  } catch (error) {
    if (!(error instanceof DeviceCsvError)) throw error;
    const { line, message } = error;
    const part = line === undefined ? { detail: message } : { line, detail: message };
    throw new Problem('invalid_request', 'this is no CSV of devices', { parts: [part] });
  }
}

/** One JSON object a line. */
async function* jsonRows(bytes: AsyncIterable<Buffer>): AsyncGenerator<DeviceRow> {
  let line = 0;
  for await (const text of linesOf(bytes)) {
    line += 1;
    if (text.trim() !== '') yield jsonRow(text, line);
  }
}

function jsonRow(text: string, line: number): DeviceRow {
  const fields = parseObject(text);
  if (fields === undefined) {
    return toDeviceRow({}, { enabled: true, line, problem: 'the line is not a JSON object' });
  }
  const unknown = Object.keys(fields).some((name) => !fieldNames.includes(name));
  const { enabled = true, ...texts } = fields;
  const isText = Object.values(texts).every((value) => typeof value === 'string');
  const problem = unknown
    ? `there are fields that are not known; ${fieldsRule}`
    : isText && typeof enabled === 'boolean'
      ? undefined
      : 'enabled must be true or false, all else text';
  return toDeviceRow(fields, { enabled: enabled === true, line, problem });
}

function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

/** Lines of UTF-8; one that is longer than any device is refused before the rest of it has come. */
async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  try {
    for await (const chunk of bytes) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > longestLine) throw new Problem('invalid_request', `a line is longer than ${longestLine}`);
      yield* lines;
    }
    rest += decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new Problem('invalid_request', 'the body is not UTF-8');
    throw error;
  }
  if (rest !== '') yield rest;
}
