import type { Frame } from './frame.ts';
import type { SurveyedSegment } from './survey.ts';

/** What has come into the spool, and what became of it: recovered + appended = settled + damaged + what is left. */
export class Ledger {
  /** Records found in the directory at the start, and the topics that they are for. */
  readonly recoveredRecords: number;
  readonly recoveredTopics: ReadonlySet<string>;
  /** Records that were put in since the start. */
  appendedRecords = 0;
  /** Records that Kafka has settled since the start. */
  settledRecords = 0;
  /** Records that could be read when they were written, and cannot any more. */
  damagedRecords = 0;
  /** That are left. */
  batches: number;

  constructor(segments: readonly SurveyedSegment[]) {
    this.recoveredRecords = segments.reduce((sum, { records }) => sum + records, 0);
    this.recoveredTopics = new Set(segments.flatMap(({ topics }) => [...topics]));
    this.batches = segments.reduce((sum, { frames }) => sum + frames, 0);
  }

  /** That are left. */
  get records(): number {
    return this.recoveredRecords + this.appendedRecords - this.settledRecords - this.damagedRecords;
  }

  appended({ records }: Frame): void {
    this.batches += 1;
    this.appendedRecords += records;
  }

  settled({ records }: Frame): void {
    this.batches -= 1;
    this.settledRecords += records;
  }

  damaged(records: number, batches: number): void {
    this.batches -= batches;
    this.damagedRecords += records;
  }
}
