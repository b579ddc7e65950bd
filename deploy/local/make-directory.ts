import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { LocalServerError } from './progress.ts';

/**
 * Makes sure that a directory named by a user is there and can be written to.
 *
 * @throws {LocalServerError} `wrong_directory`
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LocalServerError(
      'wrong_directory',
      `${path} can't be used as a directory (${reason}): choose one that you may write to`,
      { cause: error },
    );
  }
}
