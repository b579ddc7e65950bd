import { cpSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RecordCursor } from '../../../gateway/record-batch/record-cursor.ts';
import { type FileLayer, nodeFiles, type SpoolFile } from '../../../gateway/spool/file-layer.ts';
import { surveySpool } from '../../../gateway/spool/survey.ts';
import { waitFor } from '../../support/wait-for.ts';
import { textEncoder } from '../kafka/recording.ts';
import { type Assembly, assemble, FakeTarget, FaultyFiles, settingsFor, TestDirectory } from './support.ts';

const keys = 5;

/** What a crash at one moment leaves behind, and what had been promised until then. */
interface Crash {
  readonly after: string;
  readonly directory: string;
  readonly answered: readonly string[];
  /** What Kafka had, in its order. */
  readonly stored: readonly string[];
}

/** Tells of every step that changes a disk, when it has ended, well or not. */
class SteppedFiles implements FileLayer {
  readonly #files: FileLayer;
  readonly #stepped: (step: string) => void;
  readonly list: FileLayer['list'];
  readonly read: FileLayer['read'];
  readonly readInto: FileLayer['readInto'];
  readonly size: FileLayer['size'];

  constructor(files: FileLayer, stepped: (step: string) => void) {
    this.#files = files;
    this.#stepped = stepped;
    this.list = (path) => files.list(path);
    this.read = (path) => files.read(path);
    this.readInto = (path, target, position) => files.readInto(path, target, position);
    this.size = (path) => files.size(path);
  }

  async #step<Result>(name: string, step: () => Promise<Result>): Promise<Result> {
    try {
      return await step();
    } finally {
      this.#stepped(name);
    }
  }

  makeDirectory = (path: string) => this.#files.makeDirectory(path);
  syncDirectory = (path: string) => this.#step('syncDirectory', () => this.#files.syncDirectory(path));
  remove = (path: string) => this.#step('remove', () => this.#files.remove(path));
  rename = (from: string, to: string) => this.#step('rename', () => this.#files.rename(from, to));

  async openForWriting(path: string, existing: 'refuse' | 'keep'): Promise<SpoolFile> {
    const file = await this.#step('open', () => this.#files.openForWriting(path, existing));
    return {
      write: (buffers, position) => this.#step('write', () => file.write(buffers, position)),
      sync: () => this.#step('sync', () => file.sync()),
      truncate: (length) => this.#step('truncate', () => file.truncate(length)),
      close: () => file.close(),
    };
  }
}

class Story {
  readonly crashes: Crash[] = [];
  readonly target = new FakeTarget();
  readonly files = new FaultyFiles();
  readonly #directory: string;
  readonly #answered: string[] = [];
  #assembly!: Assembly;
  #sent = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async begin(): Promise<void> {
    const files = new SteppedFiles(this.files, (step) => this.#crash(step));
    const settings = settingsFor(this.#directory, { segmentBytes: 1500, afterMs: 50, replayMaxRecords: 300 });
    this.#assembly = await assemble(settings, this.target, { files });
  }

  #crash(after: string): void {
    const directory = `${this.#directory}-${this.crashes.length}`;
    cpSync(this.#directory, directory, { recursive: true });
    this.crashes.push({ after, directory, answered: [...this.#answered], stored: this.target.values() });
  }

  send(count: number): void {
    for (let i = 0; i < count; i++) {
      const value = `${this.#sent % keys}:${Math.floor(this.#sent / keys)}`;
      this.#sent += 1;
      const settleRecord = () => this.#answered.push(value);
      this.#assembly.sink.append('events', value.split(':')[0] as string, 1, textEncoder, value, { settleRecord });
    }
  }

  async until(what: string, holds: (assembly: Assembly) => boolean): Promise<void> {
    await waitFor(() => holds(this.#assembly), { deadlineMs: 10_000, everyMs: 1, what });
  }

  async answers(): Promise<void> {
    await this.until('answers', () => this.#answered.length === this.#sent);
  }

  async end(): Promise<void> {
    await this.until('an empty spool', ({ spool }) => spool.depth().records === 0 && spool.depth().bytes === 0);
    await this.#assembly.close();
  }
}

async function leftIn(directory: string): Promise<{ values: string[]; damaged: boolean }> {
  const values: string[] = [];
  const survey = await surveySpool(nodeFiles, directory, (_segment, frames) => {
    for (const { frame } of frames) {
      const record = new RecordCursor(frame.batch);
      while (record.next()) values.push(record.source.toString('utf8', record.valueAt, record.valueEnd));
    }
  });
  return { values, damaged: survey.unreadable.length > 0 || survey.segments.some(({ damage }) => damage.length > 0) };
}

test('a crash after any step of the disk leaves behind everything that was answered, in order', async () => {
  await using directory = await TestDirectory.make();
  const story = new Story(directory.path);
  const { target, files } = story;
  await story.begin();
  target.goDown();
  story.send(100);
  await story.until('the spool to take over', ({ sink }) => sink.state === 'spooling');
  for (let round = 0; round < 6; round++) {
    story.send(70);
    await story.answers();
  }
  // Kafka takes what was handed over and a part of the replay, while one step of the disk after the other fails.
  const faults: Partial<FaultyFiles>[] = [{ failSync: 'EIO' }, { failWrite: 'EIO' }];
  for (const fault of faults) {
    // Once it is a group that cannot be written, once the cursor.
    for (const disturb of [() => story.send(30), () => target.deliver(110)]) {
      Object.assign(files, fault);
      disturb();
      await story.until('the failure', ({ spool }) => spool.block === 'failing');
      Object.assign(files, { failSync: undefined, failWrite: undefined });
      await story.until('recovery', ({ spool }) => spool.block === undefined);
      await story.answers();
    }
  }
  target.comeBack();
  await story.until('direct', ({ sink }) => sink.state === 'direct');
  story.send(30);
  await story.end();

  expect(new Set(story.crashes.map(({ after }) => after))).toEqual(
    new Set(['open', 'write', 'sync', 'syncDirectory', 'truncate', 'remove']),
  );
  for (const { after, directory: left, answered, stored } of story.crashes) {
    const { values, damaged } = await leftIn(left);
    expect(damaged, after).toBe(false);
    const first = [...new Set([...stored, ...values])];
    expect(answered.filter((value) => !first.includes(value))).toEqual([]);
    for (let key = 0; key < keys; key++) {
      const numbers = first.filter((value) => value.startsWith(`${key}:`)).map((value) => Number(value.slice(2)));
      expect(numbers, after).toEqual(numbers.map((_, index) => index));
    }
  }
});
