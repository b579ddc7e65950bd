import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyEdits } from '../../../faults/mutants/apply-edits.ts';
import { mutantNamed, mutants, preloadOf } from '../../../faults/mutants/mutants.ts';
import { scenarioNamed } from '../../../faults/scenarios/scenarios.ts';

const root = join(import.meta.dirname, '../../..');

const run = (...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });

describe('editing a source', () => {
  const edit = { file: 'a.ts', find: 'acks = -1', replace: 'acks = 1' };

  it('replaces the text that occurs once, and takes the replacement as it stands', () => {
    expect(applyEdits('const acks = -1;', [{ ...edit, replace: '$& $1' }])).toBe('const $& $1;');
  });

  it('refuses a text that does not occur', () => {
    expect(() => applyEdits('const acks = -2;', [edit])).toThrow('occurs 0 times in a.ts');
  });

  it('refuses a text that occurs twice', () => {
    expect(() => applyEdits('acks = -1; acks = -1;', [edit])).toThrow('occurs 2 times in a.ts');
  });
});

describe.each(mutants)('the mutant $name', (mutant) => {
  it('finds its text in the source of the gateway', () => {
    for (const edit of mutant.edits) {
      const source = readFileSync(join(root, edit.file), 'utf8');
      expect(applyEdits(source, [edit])).not.toBe(source);
    }
  });

  it('names a scenario that exists', () => {
    expect(scenarioNamed(mutant.scenario).name).toBe(mutant.scenario);
  });

  it('is still a program that can be loaded, and tells what was edited', async () => {
    const file = mutant.edits[0]?.file ?? '';
    const { code, stderr } = await run(...preloadOf(mutant), join(root, file));
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stderr.split('\n')[0] ?? '')).toEqual({
      ...{ event: 'mutant_edited', mutant: mutant.name },
      files: [file],
    });
  });
});

describe('a mutant that does not exist', () => {
  it('keeps the gateway from starting', async () => {
    const [flag, preload = ''] = preloadOf(mutants[0] ?? mutantNamed(''));
    const { code, stderr } = await run(flag ?? '', preload.replace(/mutant=.*/, 'mutant=harmless'), '-e', '0');
    expect(code).not.toBe(0);
    expect(stderr).toContain('there is no mutant harmless');
  });
});
