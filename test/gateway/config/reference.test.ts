import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configurationReference } from '../../../gateway/config/reference.ts';
import { settings } from '../../../gateway/config/settings-tree.ts';

const root = resolve(import.meta.dirname, '../../..');
const generate = (...args: string[]) =>
  spawnSync(process.execPath, [resolve(root, 'docs/generate.ts'), ...args], { encoding: 'utf8' });

describe('the configuration reference', () => {
  it('is current', () => {
    expect(readFileSync(resolve(root, 'docs/configuration.md'), 'utf8')).toBe(configurationReference());
    expect(generate('--check').status).toBe(0);
  });

  it('names the variable and the description of every setting', () => {
    const text = configurationReference();
    for (const { variable, schema } of settings) {
      expect(text).toContain(`\`${variable}\``);
      expect('description' in schema && typeof schema.description === 'string' && schema.description.length > 10).toBe(
        true,
      );
    }
  });

  it('names each variable once', () => {
    const names = settings.map(({ variable }) => variable);
    expect(new Set(names).size).toBe(names.length);
  });

  it('is not written when the arguments are unknown', () => {
    expect(generate('--chekc').status).toBe(2);
  });
});
