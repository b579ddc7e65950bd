import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { configurationReference } from '../gateway/config/reference.ts';

/** Exit codes: 0 written, or current with --check; 1 stale with --check; 2 unusable arguments. */
const program = new Command('docs')
  .description('Writes docs/configuration.md from the schema of the settings.')
  .option('--check', 'write nothing; fail when the file is not what would be written')
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const file = resolve(import.meta.dirname, 'configuration.md');
const wanted = configurationReference();

if (!program.opts<{ check?: true }>().check) {
  writeFileSync(file, wanted);
} else if (read(file) !== wanted) {
  console.error('docs/configuration.md is not what the schema of the settings says: run "npm run docs" and commit it');
  process.exitCode = 1;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A missing file is a stale one.
    return '';
  }
}
