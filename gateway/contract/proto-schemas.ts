import { readFileSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';
import protobuf from 'protobufjs';
import type { RecordSchema } from '../core/codec.ts';
import { ContractError } from './contract-error.ts';
import { findIncluded, includeFolders } from './proto-root.ts';

/** Every registry of Protobuf schemas and every compiler brings these along. */
const wellKnown = 'google/protobuf/';

/** .proto files as a registry takes them: the text of a file, and those that it imports as references. */
export class ProtoSchemas {
  readonly #includes: readonly string[];
  readonly #known = new Map<string, RecordSchema>();

  /** @param protoPaths as for `loadProtos`. */
  constructor(protoPaths: readonly string[]) {
    this.#includes = includeFolders(protoPaths);
  }

  /** The file that declares a message, under a subject. */
  declaring(message: protobuf.Type, subject: string): RecordSchema {
    return { ...this.fileDeclaring(message), subject };
  }

  /** The file that declares a message, under its import path as subject. */
  fileDeclaring({ filename, fullName }: protobuf.Type): RecordSchema {
    if (filename === null) throw new ContractError('invalid_proto', `no file declares ${fullName}`);
    return this.#file(this.#importPathOf(filename));
  }

  /** What `import "…"` in a file that lies beside it says. */
  #importPathOf(file: string): string {
    const paths = this.#includes.map((include) => relative(include, file));
    const below = paths.find((path) => !path.startsWith('..') && !isAbsolute(path));
    return (below ?? file).split(sep).join('/');
  }

  /** @param importers the files that have led here: loading does not mind imports that go round in circles. */
  #file(importPath: string, importers: readonly string[] = []): RecordSchema {
    const known = this.#known.get(importPath);
    if (known !== undefined) return known;
    if (importers.includes(importPath)) {
      throw new ContractError('invalid_proto', `${[...importers, importPath].join(' imports ')}: a circle`);
    }
    const definition = readFileSync(findIncluded(importPath, this.#includes), 'utf8');
    const { imports = [], weakImports = [] } = protobuf.parse(definition, new protobuf.Root());
    const references = [...imports, ...weakImports]
      .filter((path) => !path.startsWith(wellKnown))
      .map((path) => this.#file(path, [...importers, importPath]));
    const schema: RecordSchema = { subject: importPath, type: 'PROTOBUF', definition, references };
    this.#known.set(importPath, schema);
    return schema;
  }
}

/**
 * Where a message is declared in its file: its index there, or those of the messages around it and then its own.
 *
 * @throws {ContractError} `invalid_schema` for a message inside of one that has a map or a group: the compiler declares a
 * message for each of these too, and readers disagree on whether it counts.
 */
export function messageIndexes(message: protobuf.Type): number[] {
  const { parent, filename } = message;
  if (parent === null) return [];
  const siblings = parent.nestedArray.filter((each) => each instanceof protobuf.Type && each.filename === filename);
  const index = siblings.indexOf(message);
  if (!(parent instanceof protobuf.Type)) return [index];
  if (parent.fieldsArray.some((field) => field.map || field.delimited)) {
    const problem = `${message.fullName} is declared inside of a message with a map or a group`;
    throw new ContractError('invalid_schema', `${problem}, where readers disagree on its index; move it out of there`);
  }
  return [...messageIndexes(parent), index];
}
