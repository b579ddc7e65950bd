import { Command } from 'commander';
import { RecordCursor } from '../../record-batch/record-cursor.ts';
import type { DamagedRange, PlacedFrame } from '../survey.ts';
import { progress, readSpool, type SpoolChoice, sayTorn, sayUnopened, withSpool } from './common.ts';
import { figuresOf } from './inspect.ts';

/** `spool verify`: whether every batch that is not settled can be read, down to its records. */
export const verifyCommand = (): Command =>
  withSpool(new Command('verify'))
    .description('read every batch and every record; exit code 1 when something that was acknowledged cannot be read')
    .action(verify);

async function verify(choice: SpoolChoice): Promise<void> {
  const report = progress();
  let segments = 0;
  let records = 0;
  let undecodable = 0;
  let unopened = 0;
  const survey = await readSpool(choice, (segment, frames) => {
    for (const placed of frames) {
      const problem = problemOf(placed);
      records += placed.frame.records;
      if ('problem' in placed.content && placed.content.problem === 'no_key') unopened += 1;
      if (problem === undefined) continue;
      undecodable += 1;
      console.error(`${segment}: batch ${placed.frame.number} at byte ${placed.at}: ${problem}`);
    }
    report(++segments, records);
  });
  for (const { name, damage } of survey.segments) {
    for (const range of damage) console.error(`${name}: bytes ${range.from} to ${range.to}: ${lossOf(range)}`);
  }
  for (const { name, bytes } of survey.unreadable) console.error(`${name}: nothing of its ${bytes} bytes can be read`);
  sayUnopened(unopened);
  sayTorn(survey);
  const figures = figuresOf(survey);
  const intact = figures.damagedRanges === 0 && undecodable === 0;
  console.log(JSON.stringify({ ...figures, undecodable, unopened, intact }));
  if (!intact) process.exitCode = 1;
}

/** What damage means: its range of batches is empty when none is missing, or nobody knows which are. */
function lossOf({ from, firstFrame, nextFrame, isOpen }: DamagedRange): string {
  if (isOpen) return `batches from ${firstFrame} on cannot be read`;
  if (firstFrame < nextFrame) return `batches ${firstFrame} to ${nextFrame - 1} cannot be read`;
  return from === 0 ? 'its header cannot be read; its batches may be' : 'what was there cannot be read';
}

const problems = {
  // Counted, and said once for all of them.
  no_key: undefined,
  keyless: 'nothing says any more under which key it is encrypted, as the header of its segment is damaged',
  forged: 'it is not what was written there',
} as const;

function problemOf({ frame, content }: PlacedFrame): string | undefined {
  if (!('batch' in content)) return problems[content.problem];
  try {
    const record = new RecordCursor(content.batch);
    while (record.next());
    const found = record.index + 1;
    return found === frame.records ? undefined : `${found} records instead of ${frame.records}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
