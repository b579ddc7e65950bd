import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BufferPool } from '../../../gateway/record-batch/buffer-pool.ts';
import { OpenBatch } from '../../../gateway/record-batch/open-batch.ts';
import { CursorFile } from '../../../gateway/spool/cursor-file.ts';
import { type FileLayer, nodeFiles } from '../../../gateway/spool/file-layer.ts';
import { encodeSegmentHeader, finishFrame, layOutFrame } from '../../../gateway/spool/frame-format.ts';
import { segmentFileName } from '../../../gateway/spool/survey.ts';
import { textEncoder } from '../kafka/recording.ts';

/** A frame as it lies on the disk, with one record: `r`, its number, and behind a blank `padding` bytes that nothing makes shorter. */
export function frameBytes(number: number, groupFirst: number, padding = 0): Buffer {
  const batch = new OpenBatch(new BufferPool(64 * 1024, 0));
  const key = Buffer.from('k');
  const noise = createHash('shake256', { outputLength: padding }).update(`${number}`).digest('base64url');
  batch.append(key, key.length, 1, textEncoder, `r${number} ${noise}`, { settleRecord: () => undefined });
  const header = { number, spooledAtMs: 1_700_000_000_000, records: 1, rawBytes: 100 };
  const bytes = layOutFrame(header, Buffer.from('events'), batch.seal().bytes);
  finishFrame(bytes, groupFirst);
  return bytes;
}

export const headerBytes = (segment: number, firstFrame: number): Buffer =>
  encodeSegmentHeader({ segment, firstFrame });

/** The same with one bit of its body the other way round. */
export function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 1, copy.length - 1);
  return copy;
}

/** Makes the directory, with these files numbered from 1, and the cursor before frame `cursor`. */
export async function writeSpool(
  directory: string,
  segments: readonly Buffer[],
  cursor: number,
  files: FileLayer = nodeFiles,
): Promise<void> {
  await mkdir(directory);
  for (const [index, bytes] of segments.entries()) await writeFile(join(directory, segmentFileName(index + 1)), bytes);
  const file = new CursorFile(files, directory, 0);
  await file.write(cursor);
  await file.close();
}
