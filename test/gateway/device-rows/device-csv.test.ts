import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { DeviceCsvError, readDeviceCsv } from '../../../gateway/device-rows/device-csv.ts';
import type { DeviceRow } from '../../../gateway/device-rows/device-row.ts';

const read = async (input: Readable): Promise<DeviceRow[]> => {
  const rows: DeviceRow[] = [];
  for await (const row of readDeviceCsv(input)) rows.push(row);
  return rows;
};
const lines = (...text: string[]): Readable => Readable.from([Buffer.from(text.join('\r\n'))]);

const refusal = async (input: Readable): Promise<DeviceCsvError> => {
  const error: unknown = await read(input).catch((thrown: unknown) => thrown);
  if (error instanceof DeviceCsvError) return error;
  throw new Error(`not refused: ${JSON.stringify(error)}`);
};

const header = 'device_id,kind,bound_to,secret,enabled,groups,certificate_fingerprint';

describe('a CSV of devices', () => {
  it('is read with its columns in any order, byte order mark and empty lines or not', async () => {
    const rows = await read(
      lines('\ufeffgroups, kind ,device_id,bound_to', '', 'night  depot,bay,d-1,b-1', ',bay,d-2,b-2'),
    );
    const rest = { kind: 'bay', secret: '', enabled: true, certificateFingerprint: '', problem: undefined };
    expect(rows).toEqual([
      { ...rest, deviceId: 'd-1', boundTo: 'b-1', groups: ['night', 'depot'], line: 3 },
      { ...rest, deviceId: 'd-2', boundTo: 'b-2', groups: [], line: 4 },
    ]);
  });

  it('has each row that is wrong say so, and goes on', async () => {
    const rows = await read(lines(header, 'd,bay,b,s,yes,,', 'd,bay', 'd,bay,b,s,false,,', 'd,bay,b,s,,,,more'));
    expect(rows.map(({ line, enabled, problem }) => [line, enabled, problem])).toEqual([
      [2, true, 'enabled "yes" is neither true nor false'],
      [3, true, 'the row has not as many values as there are columns'],
      [4, false, undefined],
      [5, true, 'the row has not as many values as there are columns'],
    ]);
  });

  it.each([
    ['a column is missing', 'device_id,kind', 'column bound_to is missing'],
    ['a column is unknown', `${header},colour`, 'column "colour" is unknown'],
    ['a column stands twice', `${header},kind`, 'column kind stands twice'],
    ['there is no header line', 'd-1,bay,b-1,canary-secret', 'the first line names no columns'],
  ])('is refused where %s', async (_what, first, problem) => {
    const error = await refusal(lines(first, 'd,bay,b'));
    expect([error.code, error.line]).toEqual(['wrong_columns', 1]);
    expect(error.message).toContain(`${problem}; needed: device_id, kind, bound_to; optional: secret`);
    expect(error.message).not.toContain('canary-secret');
  });

  it.each([
    ['a quote that never ends', 'd,bay,b,"canary-secret', 'CSV_QUOTE_NOT_CLOSED'],
    ['a quote in the middle of a value', 'd,bay,b,canary"-secret"', 'INVALID_OPENING_QUOTE'],
    ['more behind a quote', 'd,bay,b,"canary"-secret', 'CSV_INVALID_CLOSING_QUOTE'],
  ])('is refused for %s, of which nothing is quoted', async (_what, row, code) => {
    const error = await refusal(lines(header, row));
    expect(error.code).toBe('not_csv');
    expect(error.message).toContain(`no CSV with a header line (${code})`);
    expect(`${error.message} ${error.stack}`).not.toContain('canary');
  });

  it('is refused for a line longer than any device before the rest of it has come', async () => {
    let sent = 0;
    const endless = async function* () {
      yield `${header}\n"`;
      for (; ; sent += 1) yield 'x'.repeat(1000);
    };
    expect((await refusal(Readable.from(endless()))).message).toContain('CSV_MAX_RECORD_SIZE');
    expect(sent).toBeLessThan(1000);
  });

  it('fails with what its input fails with', async () => {
    const failure = new Error('the disk');
    const failing = async function* () {
      yield `${header}\n`;
      throw failure;
    };
    await expect(read(Readable.from(failing()))).rejects.toBe(failure);
  });
});
