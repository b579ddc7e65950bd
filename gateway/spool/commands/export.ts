import { once } from 'node:events';
import { Command } from 'commander';
import { RecordCursor } from '../../record-batch/record-cursor.ts';
import { VarintReader } from '../../record-batch/varint.ts';
import { keyOf } from '../refused-record.ts';
import { progress, readSpool, type SpoolChoice, sayTorn, sayUnopened, withSpool } from './common.ts';
import { figuresOf } from './inspect.ts';

interface ExportOptions extends SpoolChoice {
  readonly topic?: string;
}

/** `spool export`: the records that are not settled, as JSON lines. */
export const exportCommand = (): Command =>
  withSpool(new Command('export'))
    .description('print the records that are not settled, oldest first: topic, key, timestamp, headers, value (base64)')
    .option('--topic <topic>', 'only the records of this topic')
    .addHelpText('after', '\nThe figures come last, on standard error, so that standard output holds records alone.')
    .action(exportRecords);

async function exportRecords({ topic, ...choice }: ExportOptions): Promise<void> {
  const report = progress();
  let segments = 0;
  let exported = 0;
  let unopened = 0;
  let unreadable = 0;
  const survey = await readSpool(choice, async (_segment, frames) => {
    for (const { frame, content } of frames) {
      if (topic !== undefined && frame.topic !== topic) continue;
      if (!('batch' in content)) {
        if (content.problem === 'no_key') unopened += 1;
        else unreadable += 1;
        continue;
      }
      exported += frame.records;
      if (!process.stdout.write(linesOf(frame.topic, content.batch))) await once(process.stdout, 'drain');
    }
    report(++segments, exported);
  });
  for (const { name, damage } of survey.segments) {
    if (damage.length > 0) console.error(`${name}: a part of it cannot be read; spool verify says which`);
  }
  for (const { name } of survey.unreadable) console.error(`${name}: nothing in it can be read`);
  if (unreadable > 0) console.error(`${unreadable} batches are not what was written; spool verify says which`);
  sayUnopened(unopened);
  sayTorn(survey);
  console.error(JSON.stringify({ ...figuresOf(survey), exported, unopened }));
}

function linesOf(topic: string, batch: Buffer): string {
  let lines = '';
  const record = new RecordCursor(batch);
  while (record.next()) {
    const { source, timestampMs, valueAt, valueEnd, keyLength } = record;
    const key = keyLength === 0 ? null : keyOf(record);
    const value = source.toString('base64', valueAt, valueEnd);
    lines += `${JSON.stringify({ topic, key, timestamp: timestampMs, headers: headersOf(record), value })}\n`;
  }
  return lines;
}

/** In their order; a name may occur more than once. */
function headersOf({ source, headersAt }: RecordCursor): [name: string, value: string][] {
  const reader = new VarintReader(source, headersAt);
  const text = (): string => {
    const length = Math.max(0, reader.read());
    const from = reader.offset;
    reader.offset += length;
    return source.toString('utf8', from, reader.offset);
  };
  return Array.from({ length: reader.read() }, () => [text(), text()]);
}
