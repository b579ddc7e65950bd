import { createReadStream } from 'node:fs';
import { CommandFailure } from '../../command/failure.ts';
import { DeviceCsvError, readDeviceCsv } from '../../device-rows/device-csv.ts';
import { csvColumns, type DeviceRow } from '../../device-rows/device-row.ts';

/**
 * Reads devices from a file.
 *
 * @param path file, or `-` for standard input.
 * @param mayGenerate whether rows without a secret are allowed: only where the generated one is written somewhere.
 *
 * @throws {CommandFailure} when the file can't be read or is no CSV of devices.
 */
export async function* readDevicesCsv(path: string, mayGenerate: boolean): AsyncGenerator<DeviceRow> {
  try {
    for await (const row of readDeviceCsv(path === '-' ? process.stdin : createReadStream(path))) {
      const lacks = row.secret === '' && !mayGenerate;
      yield lacks && row.problem === undefined ? { ...row, problem: noSecret } : row;
    }
  } catch (error) {
    if (error instanceof DeviceCsvError) throw unusable(path, error);
    if (error instanceof Error && 'syscall' in error) throw unreadable(path, error);
    throw error;
  }
}

const noSecret = 'the row has no secret, and --secrets-out names no file for a generated one';

const unusable = (path: string, { line, message }: DeviceCsvError): CommandFailure =>
  new CommandFailure(`${path}: ${line === undefined ? '' : `line ${line}: `}${message}\nnothing was added`);

const unreadable = (path: string, { message }: Error): CommandFailure =>
  new CommandFailure(`cannot read ${path}: ${message}; a CSV with the columns ${csvColumns} is needed`, 2);
