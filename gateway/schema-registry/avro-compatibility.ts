import avsc from 'avsc';
import type { Break } from './compatibility.ts';

/**
 * Why a reader with one Avro schema could not read what was written with another (Avro 1.11, Schema Resolution); empty
 * when it can. avsc decides; the walk through both says where and why, where avsc names only types.
 */
export function avroBreaks(reader: string, writer: string): Break[] {
  const [readerType, writerType] = [parse(reader), parse(writer)];
  const breaks = new Walk().breaks(readerType, writerType, readerType.name?.split('.').at(-1) ?? readerType.typeName);
  if (breaks.length > 0) return breaks;
  try {
    readerType.createResolver(writerType);
    return [];
  } catch (error) {
    return [{ path: readerType.name ?? '', problem: error instanceof Error ? error.message : String(error) }];
  }
}

/** Without a registry of names, so that the two schemas may use the same ones. */
const parse = (definition: string): avsc.Type =>
  avsc.Type.forSchema(JSON.parse(definition), { wrapUnions: false, registry: {} });

/** What a reader takes from other types than its own. */
const promotions: Readonly<Record<string, readonly string[]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

class Walk {
  /** Pairs of records that are being compared: they may contain themselves. */
  readonly #open = new Set<string>();

  breaks(reader: avsc.Type, writer: avsc.Type, path: string): Break[] {
    if (isUnion(writer)) return writer.types.flatMap((branch) => this.breaks(reader, branch, path));
    if (isUnion(reader)) return this.#union(reader, writer, path);
    if (!sameKind(reader, writer)) return this.#kinds(reader, writer, path);
    switch (reader.typeName) {
      case 'record':
      case 'error':
        return this.#record(reader as avsc.types.RecordType, writer as avsc.types.RecordType, path);
      case 'enum':
        return this.#enum(reader as EnumWithDefault, writer as avsc.types.EnumType, path);
      case 'array':
        return this.breaks(
          (reader as avsc.types.ArrayType).itemsType,
          (writer as avsc.types.ArrayType).itemsType,
          `${path}[]`,
        );
      case 'map':
        return this.breaks(
          (reader as avsc.types.MapType).valuesType,
          (writer as avsc.types.MapType).valuesType,
          `${path}{}`,
        );
      case 'fixed':
        return this.#fixed(reader as avsc.types.FixedType, writer as avsc.types.FixedType, path);
      default:
        return [];
    }
  }

  /** Of the branches that could be meant, the nearest one tells what is wrong. */
  #union(reader: avsc.types.UnwrappedUnionType, writer: avsc.Type, path: string): Break[] {
    const attempts = reader.types.map((branch) => this.breaks(branch, writer, path));
    if (attempts.some((breaks) => breaks.length === 0)) return [];
    const nearest = attempts[reader.types.findIndex((branch) => sameKind(branch, writer))];
    if (nearest !== undefined) return nearest;
    const allowed = reader.types.map(nameOf).join(', ');
    return [{ path, problem: `the writer may write ${nameOf(writer)}, which the reader does not take (${allowed})` }];
  }

  #kinds(reader: avsc.Type, writer: avsc.Type, path: string): Break[] {
    if (promotions[reader.typeName]?.includes(writer.typeName)) return [];
    return [{ path, problem: `the writer writes ${nameOf(writer)}, the reader expects ${nameOf(reader)}` }];
  }

  #record(reader: avsc.types.RecordType, writer: avsc.types.RecordType, path: string): Break[] {
    const pair = `${reader.name}<${writer.name}`;
    if (this.#open.has(pair)) return [];
    this.#open.add(pair);
    const written = new Map(writer.fields.map((field) => [field.name, field]));
    const breaks = reader.fields.flatMap((field) => {
      const at = `${path}.${field.name}`;
      const source = [field.name, ...field.aliases].map((name) => written.get(name)).find((each) => each !== undefined);
      if (source !== undefined) return this.breaks(field.type, source.type, at);
      if (field.defaultValue() !== undefined) return [];
      return [
        { path: at, problem: 'the reader needs this field, the writer does not write it, and it has no default' },
      ];
    });
    this.#open.delete(pair);
    return breaks;
  }

  #enum(reader: EnumWithDefault, writer: avsc.types.EnumType, path: string): Break[] {
    const unknown = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
    if (unknown.length === 0 || reader.default !== undefined) return [];
    const problem = `the writer may write ${unknown.join(', ')}, which the reader does not know and has no default for`;
    return [{ path, problem }];
  }

  #fixed(reader: avsc.types.FixedType, writer: avsc.types.FixedType, path: string): Break[] {
    if (reader.size === writer.size) return [];
    return [{ path, problem: `the writer writes ${writer.size} bytes, the reader expects ${reader.size}` }];
  }
}

/** avsc has it; its types do not say so. */
type EnumWithDefault = avsc.types.EnumType & { readonly default?: string };

const isUnion = (type: avsc.Type): type is avsc.types.UnwrappedUnionType => avsc.Type.isType(type, 'union');

/** Records, enums and fixed types are the same by their full names, or by an alias of the reader's. */
function sameKind(reader: avsc.Type, writer: avsc.Type): boolean {
  if (reader.typeName !== writer.typeName) return false;
  if (reader.name === undefined || writer.name === undefined) return true;
  return [reader.name, ...(reader.aliases ?? [])].includes(writer.name);
}

const nameOf = (type: avsc.Type): string => (type.name === undefined ? type.typeName : `${type.typeName} ${type.name}`);
