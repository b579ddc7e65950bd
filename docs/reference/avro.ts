import { code, markdownTable } from './markdown.ts';

/** A schema as JSON: a name, a list of alternatives, or a type with its attributes (Avro 1.12, "Schema Declaration"). */
type Schema = string | readonly Schema[] | Named;

interface Named {
  readonly type: Schema;
  readonly name?: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly logicalType?: string;
  readonly symbols?: readonly string[];
  readonly default?: unknown;
  readonly items?: Schema;
  readonly values?: Schema;
  readonly fields?: readonly Field[];
}

interface Field {
  readonly name: string;
  readonly type: Schema;
  readonly doc?: string;
  readonly default?: unknown;
}

/** One record's schema of `schemas/`. */
export interface AvroRecord {
  readonly fullName: string;
  readonly doc: string;
  /** Its fields as a Markdown table; those of records inside of it follow theirs: `position.latitudeDeg`. */
  readonly fields: string;
}

/** @param definition JSON text of a record's schema. */
export function describeAvro(definition: string): AvroRecord {
  const schema = JSON.parse(definition) as Named;
  const { namespace, name = '', doc = '' } = schema;
  const fullName = namespace === undefined ? name : `${namespace}.${name}`;
  const fields = markdownTable(['Field', 'Type', 'Default', 'Meaning'], rowsOf(schema, ''));
  return { fullName, doc, fields };
}

function rowsOf({ fields = [] }: Named, prefix: string): string[][] {
  return fields.flatMap((field) => {
    const name = `${prefix}${field.name}`;
    const record = recordIn(field.type);
    const meaning = [field.doc, record?.doc].filter((text) => text !== undefined).join(' ');
    const row = [code(name), typeOf(field.type), defaultOf(field), meaning];
    return record === undefined ? [row] : [row, ...rowsOf(record, `${name}${isArray(field.type) ? '[]' : ''}.`)];
  });
}

const defaultOf = (field: Field): string =>
  Object.hasOwn(field, 'default') ? code(JSON.stringify(field.default)) : '';

function typeOf(schema: Schema): string {
  if (typeof schema === 'string') return schema;
  if (!isNamed(schema)) return schema.map(typeOf).join(' or ');
  const { type, logicalType, symbols, items, values, name } = schema;
  if (symbols !== undefined) return `enum ${symbols.map(code).join(', ')}`;
  if (items !== undefined) return `array of ${typeOf(items)}`;
  if (values !== undefined) return `map of ${typeOf(values)}`;
  if (type === 'record') return `record ${name ?? ''}`;
  return logicalType === undefined ? typeOf(type) : `${typeOf(type)}, ${logicalType}`;
}

const isNamed = (schema: Schema): schema is Named => typeof schema === 'object' && !Array.isArray(schema);

/** The record that a field consists of, be it optional or a list. */
function recordIn(schema: Schema): Named | undefined {
  if (typeof schema === 'string') return undefined;
  if (!isNamed(schema)) return schema.map(recordIn).find((record) => record !== undefined);
  if (schema.type === 'record') return schema;
  return schema.items === undefined ? undefined : recordIn(schema.items);
}

const isArray = (schema: Schema): boolean =>
  typeof schema === 'object' && (isNamed(schema) ? schema.items !== undefined : schema.some(isArray));
