import type { Cluster } from '../record-log/cluster.ts';
import { LogReader, type OffsetRange } from '../record-log/log-reader.ts';
import { offsetsOf } from '../record-log/offsets.ts';
import type { LogRecord } from '../record-log/record-batch.ts';
import { recordsIn } from '../record-log/records-in.ts';
import { type Letter, readLetter } from './letter.ts';
import { Notes, readNote } from './notes.ts';
import type { OpenLetter } from './open-letters.ts';

/** The dead-letter topic as it is at one moment; what comes later is left for the next look. */
export class LetterTopic {
  readonly name: string;
  readonly #cluster: Cluster;
  readonly #open: OpenLetter;
  readonly #ranges: ReadonlyMap<number, OffsetRange>;

  /** @throws {RecordLogError} */
  static async open(cluster: Cluster, name: string, open: OpenLetter): Promise<LetterTopic> {
    const ends = await offsetsOf(cluster, name, 'latest');
    const starts = await offsetsOf(cluster, name, 'earliest');
    return new LetterTopic(
      cluster,
      name,
      open,
      new Map([...ends].map(([partition, end]) => [partition, { from: starts.get(partition) ?? 0, end }])),
    );
  }

  private constructor(cluster: Cluster, name: string, open: OpenLetter, ranges: ReadonlyMap<number, OffsetRange>) {
    this.#cluster = cluster;
    this.#open = open;
    this.name = name;
    this.#ranges = ranges;
  }

  /** Offsets that are there. */
  get size(): number {
    return [...this.#ranges.values()].reduce((total, { from, end }) => total + end - from, 0);
  }

  async notes(): Promise<Notes> {
    const notes = new Notes();
    for await (const batch of this.#reader(this.#ranges).batches()) {
      for (const record of recordsIn(this.name, batch)) {
        const note = readNote(record);
        if (note !== undefined) notes.add(note, record.timestampMs);
      }
    }
    return notes;
  }

  /** The letters of each partition in their order, batch by batch; bytes are valid until the next one is asked for. */
  async *letters(): AsyncGenerator<readonly Letter[]> {
    for await (const batch of this.#reader(this.#ranges).batches()) {
      const letters: Letter[] = [];
      for (const record of recordsIn(this.name, batch)) {
        const letter = this.#letterOf(record);
        if (letter !== undefined) letters.push(letter);
      }
      yield letters;
    }
  }

  /** @returns undefined when there is no letter at this position. */
  async letterAt(partition: number, offset: number): Promise<Letter | undefined> {
    const range = this.#ranges.get(partition);
    if (range === undefined || offset < range.from || offset >= range.end) return undefined;
    const ranges = new Map([[partition, { from: offset, end: offset + 1 }]]);
    for await (const batch of this.#reader(ranges).batches()) {
      for (const record of recordsIn(this.name, batch)) return this.#letterOf(record);
    }
    return undefined;
  }

  #letterOf(record: LogRecord): Letter | undefined {
    const opened = this.#open(record, this.name);
    const letter = readLetter(opened.record, this.name);
    return letter && { ...letter, sealed: opened.sealed };
  }

  #reader(ranges: ReadonlyMap<number, OffsetRange>): LogReader {
    return new LogReader({ cluster: this.#cluster, topic: this.name, ranges });
  }
}
