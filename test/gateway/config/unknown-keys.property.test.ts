import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinPath } from '../../../gateway/config/errors.ts';
import { defaultConfig, loadConfig } from '../../../gateway/config/load.ts';

type Path = readonly (string | number)[];

/** Paths of all mappings of a configuration, the root among them. */
function mappings(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => mappings(item, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return [path, ...Object.entries(value).flatMap(([key, child]) => mappings(child, [...path, key]))];
}

const at = (root: unknown, path: Path): Record<string, unknown> =>
  path.reduce((value: unknown, step) => (value as Record<string | number, unknown>)[step], root) as Record<
    string,
    unknown
  >;

const key = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'linger', 'kafkaTopics', 'Name', ' port'),
);

describe('unknown keys', () => {
  it('are refused by name wherever they stand, whatever they hold', () => {
    fc.assert(
      fc.property(fc.constantFrom(...mappings(defaultConfig)), key, fc.jsonValue(), (path, name, value) => {
        const settings = structuredClone(defaultConfig) as unknown;
        const mapping = at(settings, path);
        // Also the optional keys of a route that this one does not have.
        fc.pre(!Object.hasOwn(mapping, name) && !['message', 'items', 'schema'].includes(name));
        Object.defineProperty(mapping, name, { value, enumerable: true, configurable: true, writable: true });
        const result = loadConfig({ settings, env: {} });
        expect(result.ok ? [] : result.errors).toMatchObject([
          { code: 'unknown_setting', setting: joinPath([...path, name]) },
        ]);
      }),
      { numRuns: 300 },
    );
  });
});
