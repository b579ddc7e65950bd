import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { code, linkTo, markdownTable } from './markdown.ts';

/** One message or enumeration of `proto/`. */
export interface ProtoType {
  readonly fullName: string;
  /** What stands before it in the file. */
  readonly comment: string;
  /** Its fields, or its values, as a Markdown table. */
  readonly table: string;
}

/** All messages and enumerations of the .proto files below a directory, in the order of the files. */
export function describeProtos(directory: string): ProtoType[] {
  const root = new protobuf.Root();
  for (const file of protoFiles(directory)) {
    // Comments are kept for nobody but people; plain `//` counts only in this mode.
    protobuf.parse(readFileSync(file, 'utf8'), root, { keepCase: true, alternateCommentMode: true });
  }
  root.resolveAll();
  return typesIn(root);
}

const protoFiles = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.proto'))
    .sort()
    .map((name) => join(directory, name));

function typesIn(namespace: protobuf.NamespaceBase): ProtoType[] {
  return namespace.nestedArray.flatMap((nested) => {
    if (nested instanceof protobuf.Enum) return [describeEnum(nested)];
    if (nested instanceof protobuf.Type) return [describeMessage(nested), ...typesIn(nested)];
    return nested instanceof protobuf.Namespace ? typesIn(nested) : [];
  });
}

const nameOf = ({ fullName }: protobuf.ReflectionObject): string => fullName.replace(/^\./, '');

function describeMessage(type: protobuf.Type): ProtoType {
  const rows = type.fieldsArray.map((field) => [
    String(field.id),
    code(field.name),
    fieldType(field),
    field.comment ?? enumComment(field),
  ]);
  const table = markdownTable(['Number', 'Field', 'Type', 'Meaning'], rows);
  return { fullName: nameOf(type), comment: type.comment ?? '', table };
}

function fieldType(field: protobuf.Field): string {
  const { resolvedType } = field;
  const type = resolvedType === null ? field.type : linkTo(nameOf(resolvedType), code(resolvedType.name));
  if (field.repeated) return `repeated ${type}`;
  return field.options?.proto3_optional === true ? `optional ${type}` : type;
}

const enumComment = ({ resolvedType }: protobuf.Field): string =>
  resolvedType instanceof protobuf.Enum ? (resolvedType.comment ?? '') : '';

function describeEnum(type: protobuf.Enum): ProtoType {
  const rows = Object.entries(type.values).map(([name, value]) => [
    String(value),
    code(name),
    type.comments[name] ?? '',
  ]);
  return {
    fullName: nameOf(type),
    comment: type.comment ?? '',
    table: markdownTable(['Number', 'Value', 'Meaning'], rows),
  };
}
