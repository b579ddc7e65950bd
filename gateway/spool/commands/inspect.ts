import { Command } from 'commander';
import type { Survey } from '../survey.ts';
import { progress, readSpool, type SpoolChoice, sayTorn, timeOf, withSpool } from './common.ts';

/** `spool inspect`: what waits for Kafka, by segment and by topic. */
export const inspectCommand = (): Command =>
  withSpool(new Command('inspect')).description('show what is in the spool and not settled by Kafka').action(inspect);

async function inspect(choice: SpoolChoice): Promise<void> {
  const topics = new Map<string, { batches: number; records: number }>();
  const report = progress();
  let segments = 0;
  let records = 0;
  const survey = await readSpool(choice, (_segment, frames) => {
    for (const { frame } of frames) {
      const topic = topics.get(frame.topic) ?? { batches: 0, records: 0 };
      topics.set(frame.topic, topic);
      topic.batches += 1;
      topic.records += frame.records;
      records += frame.records;
    }
    report(++segments, records);
  });
  printSegments(survey);
  for (const [topic, counts] of topics)
    console.log(`topic ${topic}: ${counts.records} records in ${counts.batches} batches`);
  sayTorn(survey);
  console.log(JSON.stringify(figuresOf(survey)));
}

function printSegments({ segments, unreadable }: Survey): void {
  for (const { name, bytes } of unreadable) console.log(`${name}: ${bytes} bytes, nothing in it can be read, DAMAGED`);
  for (const { name, firstFrame, nextFrame, frames, records, fileBytes, firstAtMs, damage, key } of segments) {
    const sealed = key === undefined ? '' : `, encrypted under ${key.id}`;
    const note = damage.length > 0 ? `${sealed}, DAMAGED` : sealed;
    console.log(
      `${name}: batches ${firstFrame} to ${nextFrame - 1}, ${frames} of them with ${records} records unsettled, ` +
        `${fileBytes} bytes, since ${timeOf(firstAtMs)}${note}`,
    );
  }
}

/** The figures that the commands end with. */
export function figuresOf(survey: Survey & { readonly directory: string }) {
  const { directory, segments, unreadable, cursor, nextFrame, torn } = survey;
  const sum = (of: (segment: Survey['segments'][number]) => number) =>
    segments.reduce((total, segment) => total + of(segment), 0);
  return {
    directory,
    segments: segments.length,
    batches: sum(({ frames }) => frames),
    records: sum(({ records }) => records),
    bytes: sum(({ fileBytes }) => fileBytes),
    cursor: cursor?.frame ?? null,
    nextBatch: nextFrame,
    oldest: timeOf(segments[0]?.firstAtMs),
    newest: timeOf(segments.at(-1)?.lastAtMs),
    tornBytes: torn?.tornBytes ?? 0,
    damagedRanges: sum(({ damage }) => damage.length) + unreadable.length,
  };
}
