import type { TArray, TObject, TSchema } from 'typebox';
import { gatewaySettings } from './schema.ts';
import type { Holds } from './schema-parts.ts';

/** One setting that a value can be given to: a leaf of the tree; a list is one setting, with its items. */
export interface Setting {
  /** Keys from the root: `['kafka', 'lingerMs']`. */
  readonly path: readonly string[];
  readonly schema: TSchema;
  /** Name of the environment variable that overrides it: `EDGE_KAFKA_LINGER_MS`. */
  readonly variable: string;
}

export const variablePrefix = 'EDGE_';

/** The keywords of JSON Schema that the settings use, for reading them off any schema. */
export interface Keywords {
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
  readonly rule?: string;
  readonly enum?: readonly string[];
  readonly type?: string;
  readonly holds?: Holds;
}

export const keywords = (schema: TSchema): Keywords => schema as Keywords;

export const isObjectSchema = (schema: TSchema): schema is TObject => keywords(schema).type === 'object';
export const isArraySchema = (schema: TSchema): schema is TArray => keywords(schema).type === 'array';

/** Whether a secret is somewhere in it: then nothing of a wrong value is fit to be shown. */
export const holdsSecret = (schema: TSchema): boolean =>
  isObjectSchema(schema)
    ? Object.values(schema.properties).some(holdsSecret)
    : keywords(schema).holds === 'secret' || (isArraySchema(schema) && holdsSecret(schema.items));

/** `createTopics` → `CREATE_TOPICS`. */
const upperSnake = (key: string): string => key.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase();

export const variableOf = (path: readonly string[]): string => variablePrefix + path.map(upperSnake).join('_');

function* leaves(schema: TSchema, path: readonly string[]): Generator<Setting> {
  if (isObjectSchema(schema)) {
    for (const [key, child] of Object.entries(schema.properties)) yield* leaves(child, [...path, key]);
  } else {
    yield { path, schema, variable: variableOf(path) };
  }
}

/** Every setting, in the order of the schema. */
export const settings: readonly Setting[] = [...leaves(gatewaySettings, [])];

/** Replaces each text of `value` that the schema knows; lists and mappings are copied. `value` must fit the schema. */
export function mapTexts(
  schema: TSchema,
  value: unknown,
  map: (text: string, holds: Holds | undefined) => string,
): unknown {
  if (typeof value === 'string') return map(value, keywords(schema).holds);
  if (isArraySchema(schema) && Array.isArray(value)) return value.map((item) => mapTexts(schema.items, item, map));
  if (isObjectSchema(schema) && isMapping(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => {
        const property = schema.properties[key];
        return [key, property === undefined ? child : mapTexts(property, child, map)];
      }),
    );
  }
  return value;
}

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
