import { join } from 'node:path';
import { DirectoryLock, type LockRefusal } from '../directory-lock/directory-lock.ts';
import { CursorFile } from './cursor-file.ts';
import { SpoolError } from './errors.ts';
import type { FileLayer } from './file-layer.ts';
import { damagedFileName, damagedSuffix } from './segments.ts';
import { type Survey, surveySpool } from './survey.ts';

/** A spool directory that belongs to this process, and what it holds. */
export interface OpenDirectory {
  readonly lock: DirectoryLock;
  readonly survey: Survey;
  readonly cursorFile: CursorFile;
  /** The first frame to be replayed. */
  readonly cursor: number;
  /** Files that are kept as damaged. */
  readonly kept: { readonly files: number; readonly bytes: number };
}

/**
 * Takes the directory (made when missing, mode 0700), and leaves in it what is needed: settled segments are removed, a torn
 * tail is cut off that proves nothing, what cannot be read is kept under another name.
 *
 * @throws {SpoolError} when another process has the directory, or it cannot be used.
 */
export async function openDirectory(files: FileLayer, directory: string): Promise<OpenDirectory> {
  let lock: DirectoryLock | undefined;
  try {
    await files.makeDirectory(directory);
    lock = DirectoryLock.take(directory, (refusal, cause) => lockError(directory, refusal, cause));
    const survey = await surveySpool(files, directory);
    const cursorFile = new CursorFile(files, directory, survey.cursor?.version ?? 0);
    // Without a cursor: with whatever there is.
    const cursor = survey.cursor?.frame ?? survey.segments[0]?.firstFrame ?? survey.nextFrame;
    await tidy(files, directory, survey);
    // Makes both of its slots while there is room: on a full disk it is what lets segments be removed.
    await cursorFile.write(cursor);
    await cursorFile.write(cursor);
    await files.syncDirectory(directory);
    const kept = await keptFiles(files, directory);
    return { lock, survey, cursorFile, cursor, kept };
  } catch (error) {
    lock?.release();
    if (error instanceof SpoolError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SpoolError('spool_directory_unusable', `spool ${directory}: ${reason}`, error);
  }
}

function lockError(directory: string, refusal: LockRefusal, cause: unknown): SpoolError {
  if (refusal.isTaken) {
    const text = `spool ${directory}: another process works with it; end it, or choose another`;
    return new SpoolError('spool_in_use', text);
  }
  const text = `spool ${directory}: cannot be locked: ${refusal.reason}`;
  return new SpoolError('spool_directory_unusable', text, cause);
}

async function keptFiles(files: FileLayer, directory: string): Promise<OpenDirectory['kept']> {
  const names = (await files.list(directory)).filter((name) => name.endsWith(damagedSuffix));
  const sizes = await Promise.all(names.map((name) => files.size(join(directory, name))));
  return { files: names.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

async function tidy(files: FileLayer, directory: string, survey: Survey): Promise<void> {
  for (const name of survey.needless) await files.remove(join(directory, name));
  for (const { name } of survey.unreadable) {
    await files.rename(join(directory, name), join(directory, damagedFileName(name)));
  }
  const { torn, needless } = survey;
  if (torn === undefined || needless.includes(torn.name)) return;
  // A frame behind the tear may be all that proves that a gap before it is none. The next segment supersedes the tail.
  if (torn.hasGap) return;
  const file = await files.openForWriting(join(directory, torn.name), 'keep');
  try {
    await file.truncate(torn.end);
    await file.sync();
  } finally {
    await file.close();
  }
}
