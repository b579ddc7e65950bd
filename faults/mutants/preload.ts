import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { applyEdits } from './apply-edits.ts';
import type { Edit } from './mutant.ts';
import { mutantNamed } from './mutants.ts';

/**
 * Preloaded into a gateway (`--import …/preload.ts?mutant=NAME`): builds a mistake into its source while it is loaded.
 * What has been changed is written to standard error, so that the harness can tell a mutant from a gateway that was left
 * as it is.
 */
const root = join(import.meta.dirname, '../..');
const mutant = mutantNamed(new URL(import.meta.url).searchParams.get('mutant') ?? '');
const editsByUrl = Map.groupBy(mutant.edits, ({ file }) => pathToFileURL(join(root, file)).href);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const edits = editsByUrl.get(url);
    if (edits === undefined) return loaded;
    process.stderr.write(`${JSON.stringify(editedEvent(edits))}\n`);
    return { ...loaded, source: applyEdits(textOf(loaded.source), edits) };
  },
});

const editedEvent = (edits: readonly Edit[]) => ({
  event: 'mutant_edited',
  mutant: mutant.name,
  files: [...new Set(edits.map(({ file }) => file))],
});

/** A source is text or bytes. */
const textOf = (source: unknown): string => {
  if (typeof source === 'string') return source;
  if (source instanceof Uint8Array) return Buffer.from(source).toString('utf8');
  throw new TypeError('a module to be edited has no source');
};
