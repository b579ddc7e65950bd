import { expect, test } from 'vitest';
import { CursorFile, cursorFileName } from '../../../gateway/spool/cursor-file.ts';
import type { FileLayer, SpoolFile } from '../../../gateway/spool/file-layer.ts';
import { Frame } from '../../../gateway/spool/frame.ts';
import { layOutFrame } from '../../../gateway/spool/frame-format.ts';
import { GroupWriter } from '../../../gateway/spool/group-writer.ts';
import { Segments } from '../../../gateway/spool/segments.ts';
import { waitFor } from '../../support/wait-for.ts';
import { RecordingSpoolObserver } from './support.ts';

const batch = Buffer.alloc(100, 1);

const frame = (number: number): Frame => {
  const header = { number, topic: 'events', records: 1, rawBytes: 100, spooledAtMs: 1 };
  return Frame.toWrite(header, layOutFrame(header, Buffer.from('events'), batch), []);
};

/** A disk that forgets everything, and on which the cursor is not written before `released`. */
class SlowCursor {
  cursorWrites = 0;
  #release: () => void = () => undefined;
  readonly #released = new Promise<void>((resolve) => {
    this.#release = resolve;
  });

  release(): void {
    this.#release();
  }

  readonly files: FileLayer = {
    makeDirectory: () => Promise.resolve(),
    syncDirectory: () => Promise.resolve(),
    openForWriting: (path) => Promise.resolve(this.#file(path.endsWith(cursorFileName))),
    list: () => Promise.resolve([]),
    read: () => Promise.resolve(Buffer.alloc(0)),
    readInto: () => 0,
    size: () => Promise.resolve(0),
    remove: () => Promise.resolve(),
    rename: () => Promise.resolve(),
  };

  #file(isCursor: boolean): SpoolFile {
    return {
      write: async () => {
        if (!isCursor) return;
        this.cursorWrites += 1;
        await this.#released;
      },
      sync: () => Promise.resolve(),
      truncate: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }
}

test('makes every frame durable, also when Kafka settles some while the cursor before them is being written', async () => {
  const disk = new SlowCursor();
  const durable: number[] = [];
  const writer = new GroupWriter({
    segments: new Segments(disk.files, '/spool', 1_000_000, 1),
    cursorFile: new CursorFile(disk.files, '/spool', 0),
    cursor: 5,
    maxBytes: 1_000_000,
    observer: new RecordingSpoolObserver().observer,
    sealDue: () => Number.POSITIVE_INFINITY,
    isTooOld: () => false,
    durable: ({ number }) => durable.push(number),
    changed: () => undefined,
  });
  writer.pending.push(frame(5), frame(6), frame(7), frame(8));
  // There is no segment that frame 5 could be the next one of: the cursor is written first.
  writer.wake();
  await waitFor(() => disk.cursorWrites === 1, { deadlineMs: 5_000, what: 'the cursor to be written' });
  writer.settledBefore(7, false);
  writer.pending.push(frame(9), frame(10));
  writer.wake();
  disk.release();
  await waitFor(() => writer.isIdle, { deadlineMs: 5_000, what: 'the writer to have nothing to do' });
  expect(durable).toEqual(expect.arrayContaining([7, 8, 9, 10]));
  await writer.close();
});
