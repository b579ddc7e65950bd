import { Command } from 'commander';
import { RecordCursor } from '../../record-batch/record-cursor.ts';
import type { PlacedFrame } from '../survey.ts';
import { progress, readSpool, type SpoolChoice, sayTorn, withSpool } from './common.ts';
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
  const survey = await readSpool(choice, (segment, frames) => {
    for (const placed of frames) {
      const problem = problemOf(placed);
      records += placed.frame.records;
      if (problem === undefined) continue;
      undecodable += 1;
      console.error(`${segment}: batch ${placed.frame.number} at byte ${placed.at}: ${problem}`);
    }
    report(++segments, records);
  });
  for (const { name, damage } of survey.segments) {
    for (const { from, to, firstFrame, nextFrame } of damage) {
      console.error(`${name}: bytes ${from} to ${to}: batches ${firstFrame} to ${nextFrame - 1} cannot be read`);
    }
  }
  for (const { name, bytes } of survey.unreadable) console.error(`${name}: nothing of its ${bytes} bytes can be read`);
  sayTorn(survey);
  const figures = figuresOf(survey);
  const intact = figures.damagedRanges === 0 && undecodable === 0;
  console.log(JSON.stringify({ ...figures, undecodable, intact }));
  if (!intact) process.exitCode = 1;
}

function problemOf({ frame }: PlacedFrame): string | undefined {
  try {
    const record = new RecordCursor(frame.batch);
    while (record.next());
    const found = record.index + 1;
    return found === frame.records ? undefined : `${found} records instead of ${frame.records}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
