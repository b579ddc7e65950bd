import type { TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { type ConfigError, joinPath } from './errors.ts';
import { hidden, showValue } from './mask.ts';
import { holdsSecret, isArraySchema, isMapping, isObjectSchema, keywords, settings } from './settings-tree.ts';
import { suggest } from './suggest.ts';

type Path = readonly (string | number)[];

/** What a schema allows, in words: `whole number from 0 to 10000`. */
export function describeAllowed(schema: TSchema): string {
  const { type, enum: choices, minimum, maximum, minLength, minItems, rule } = keywords(schema);
  if (choices !== undefined) return `one of ${choices.join(', ')}`;
  if (type === 'integer') return `whole number from ${minimum} to ${maximum}`;
  if (type === 'boolean') return 'true or false';
  if (type === 'object') return 'a mapping of settings';
  if (type === 'array') return minItems ? `a list of at least ${minItems}` : 'a list';
  if (rule !== undefined) return rule;
  return minLength ? 'text that is not empty' : 'text';
}

/**
 * Checks `value`, as it comes from a file or a variable, against a schema. Nothing is converted: `"5"` is not a number.
 * Settings that are left out and have a default are fine.
 */
export function check(schema: TSchema, value: unknown, path: Path = []): ConfigError[] {
  if (isObjectSchema(schema)) {
    if (!isMapping(value)) return [wrongValue(schema, value, path)];
    return [...unknownKeys(schema.properties, value, path), ...properties(schema, value, path)];
  }
  if (isArraySchema(schema)) {
    if (!Array.isArray(value) || value.length < (keywords(schema).minItems ?? 0))
      return [wrongValue(schema, value, path)];
    return value.flatMap((item, index) => check(schema.items, item, [...path, index]));
  }
  return Check(schema, value) ? [] : [wrongValue(schema, value, path)];
}

function properties(
  schema: TSchema & { properties: Record<string, TSchema> },
  value: Record<string, unknown>,
  path: Path,
) {
  const required = (schema as { required?: readonly string[] }).required ?? [];
  return Object.entries(schema.properties).flatMap(([key, child]): ConfigError[] => {
    if (Object.hasOwn(value, key)) return check(child, value[key], [...path, key]);
    if (!required.includes(key) || keywords(child).default !== undefined) return [];
    const setting = joinPath([...path, key]);
    return [{ code: 'missing_setting', setting, value: '', allowed: describeAllowed(child) }];
  });
}

function unknownKeys(known: Record<string, TSchema>, value: Record<string, unknown>, path: Path): ConfigError[] {
  const names = Object.keys(known);
  return Object.keys(value)
    .filter((key) => !Object.hasOwn(known, key))
    .map((key) => ({
      code: 'unknown_setting',
      setting: joinPath([...path, key]),
      value: '',
      allowed: whereItBelongs(key, names),
    }));
}

/** A near name in the same section, or the section that a setting of this very name is in, or all that is allowed here. */
function whereItBelongs(key: string, names: readonly string[]): string {
  const near = suggest(key, names);
  if (near !== undefined) return `did you mean ${near}?`;
  const elsewhere = settings.filter((setting) => setting.path.at(-1) === key).map((setting) => joinPath(setting.path));
  if (elsewhere.length > 0) return `did you mean ${elsewhere.join(' or ')}?`;
  return `known here: ${names.join(', ')}`;
}

const wrongValue = (schema: TSchema, value: unknown, path: Path): ConfigError => ({
  code: 'wrong_value',
  setting: joinPath(path) || 'the settings',
  value: holdsSecret(schema) ? hidden : showValue(value),
  allowed: describeAllowed(schema),
});
