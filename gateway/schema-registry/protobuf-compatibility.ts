import protobuf from 'protobufjs';
import type { Break } from './compatibility.ts';

/**
 * Types that read each other's bytes (Protobuf's "Updating A Message Type"): within a group a value survives as long as
 * both types hold it.
 */
const wireGroups: readonly (readonly string[])[] = [
  ['int32', 'uint32', 'int64', 'uint64', 'bool'],
  ['sint32', 'sint64'],
  ['fixed32', 'sfixed32'],
  ['fixed64', 'sfixed64'],
  ['string', 'bytes'],
];

/**
 * Why a reader with one .proto file could not read what was written with another; empty when it can. Compares what the
 * files declare themselves, by the names of messages and the numbers of fields: imported files have subjects of their own.
 */
export function protobufBreaks(reader: string, writer: string): Break[] {
  const messages = messagesOf(reader);
  return [...messagesOf(writer)].flatMap(([name, written]): Break[] => {
    const known = messages.get(name);
    const path = name.slice(1);
    if (known === undefined) return [{ path, problem: 'the writer has this message, the reader does not' }];
    return [...fieldBreaks(known, written, path), ...missingBreaks(known, written, path)];
  });
}

function messagesOf(definition: string): Map<string, protobuf.Type> {
  const found = new Map<string, protobuf.Type>();
  const collect = (namespace: protobuf.NamespaceBase): void => {
    if (namespace instanceof protobuf.Type) found.set(namespace.fullName, namespace);
    for (const nested of namespace.nestedArray) if (nested instanceof protobuf.Namespace) collect(nested);
  };
  const { root } = protobuf.parse(definition, new protobuf.Root(), { keepCase: true });
  resolveFeatures(root);
  collect(root);
  return found;
}

/** Without it no field of proto2 is `required`. Imports are not at hand: their types stay names, which are compared. */
function resolveFeatures(root: protobuf.Root): void {
  try {
    root.resolveAll();
  } catch (error) {
    if (!(error instanceof Error && /^no such type/i.test(error.message))) throw error;
  }
}

function fieldBreaks(reader: protobuf.Type, writer: protobuf.Type, path: string): Break[] {
  return writer.fieldsArray.flatMap((written): Break[] => {
    const known = reader.fieldsById[written.id];
    if (known === undefined) return [];
    const at = `${path}.${known.name} (${known.id})`;
    if (!isSameType(known, written) && !shareBytes(known, written)) {
      return [{ path: at, problem: `the writer writes ${typeOf(written)}, the reader expects ${typeOf(known)}` }];
    }
    if (written.repeated && !known.repeated) {
      return [{ path: at, problem: 'the writer writes many values, the reader expects one and would drop the others' }];
    }
    return [];
  });
}

/** Only proto2 has fields without which a message cannot be read. */
function missingBreaks(reader: protobuf.Type, writer: protobuf.Type, path: string): Break[] {
  return reader.fieldsArray
    .filter((field) => field.required && !writer.fieldsById[field.id]?.required)
    .map(({ name, id }) => ({
      path: `${path}.${name} (${id})`,
      problem: 'the reader requires it, the writer may omit it',
    }));
}

function shareBytes(a: protobuf.Field, b: protobuf.Field): boolean {
  if (a.map || b.map) return false;
  return wireGroups.some((group) => [a, b].every((field) => group.includes(isEnum(field) ? 'int32' : field.type)));
}

const isEnum = (field: protobuf.Field): boolean => resolved(field) instanceof protobuf.Enum;

/** The message or enum of a field that the file declares itself; null for scalars and what is imported. */
const resolved = (field: protobuf.Field): protobuf.ReflectionObject | null =>
  field.parent?.lookup(field.type, [protobuf.Type, protobuf.Enum]) ?? null;

function isSameType(a: protobuf.Field, b: protobuf.Field): boolean {
  if (keyTypeOf(a) !== keyTypeOf(b)) return false;
  const names = namesOf(a);
  return namesOf(b).some((name) => names.includes(name));
}

/**
 * Every full name that a field's type may have. An imported one may be of each of the packages that the place lies in
 * ("Type name resolution", from the innermost scope outwards): which one, only the other file could tell.
 */
function namesOf(field: protobuf.Field): string[] {
  const { type, parent } = field;
  const found = resolved(field);
  if (found !== null) return [found.fullName];
  if (type in protobuf.types.basic || type.startsWith('.')) return [type];
  const scopes = (parent?.fullName ?? '').split('.');
  return scopes.map((_, depth) => [...scopes.slice(0, depth + 1), type].join('.'));
}

const keyTypeOf = (field: protobuf.Field): string => (field instanceof protobuf.MapField ? field.keyType : '');

/** For people. */
function typeOf(field: protobuf.Field): string {
  const name = (resolved(field)?.fullName ?? field.type).replace(/^\./, '');
  return field instanceof protobuf.MapField ? `map<${field.keyType}, ${name}>` : name;
}
