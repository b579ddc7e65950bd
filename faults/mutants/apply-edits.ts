import type { Edit } from './mutant.ts';

/**
 * The source with each edit made.
 *
 * @throws {Error} when an edit's text does not occur exactly once: a mutant that changes nothing, or something else than
 * was meant, must not run
 */
export function applyEdits(source: string, edits: readonly Edit[]): string {
  let edited = source;
  for (const { file, find, replace } of edits) {
    const occurrences = edited.split(find).length - 1;
    if (occurrences !== 1) {
      throw new Error(`the mutant's text occurs ${occurrences} times in ${file}, not once: ${find}`);
    }
    // As a function, so that `$` in the replacement means itself.
    edited = edited.replace(find, () => replace);
  }
  return edited;
}
