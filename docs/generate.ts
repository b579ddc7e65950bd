import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { configurationReference } from '../gateway/config/reference.ts';
import { eventReference } from './reference/reference.ts';

/** Each file, what it is made from, and how. */
const documents = [
  { file: 'configuration.md', source: 'the schema of the settings', make: configurationReference },
  { file: 'reference.md', source: 'routes, schemas, topics and the tables in the code', make: () => eventReference() },
] as const;

/** Exit codes: 0 written, or current with --check; 1 stale with --check; 2 unusable arguments. */
const program = new Command('docs')
  .description(`Writes ${documents.map(({ file }) => `docs/${file}`).join(' and ')} from what they describe.`)
  .option('--check', 'write nothing; fail when a file is not what would be written')
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const checks = program.opts<{ check?: true }>().check === true;
for (const { file, source, make } of documents) {
  const path = resolve(import.meta.dirname, file);
  const wanted = make();
  if (!checks) {
    writeFileSync(path, wanted);
  } else if (read(path) !== wanted) {
    console.error(`docs/${file} is not what ${source} say: run "npm run docs" and commit it`);
    process.exitCode = 1;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A missing file is a stale one.
    return '';
  }
}
