import avsc from 'avsc';
import protobuf from 'protobufjs';
import { ContractError } from './contract-error.ts';
import type { EnumNaming, MessageNaming } from './enum-naming.ts';

/** Which Avro types hold every value of a Protobuf type. */
const holders: Readonly<Record<string, readonly string[]>> = {
  double: ['double'],
  float: ['float', 'double'],
  int32: ['int', 'long'],
  sint32: ['int', 'long'],
  sfixed32: ['int', 'long'],
  uint32: ['long'],
  fixed32: ['long'],
  int64: ['long'],
  uint64: ['long'],
  sint64: ['long'],
  fixed64: ['long'],
  sfixed64: ['long'],
  bool: ['boolean'],
  string: ['string'],
  bytes: ['bytes'],
};

/**
 * Checks that every message of a Protobuf type can be handed to an Avro record as it is: same field names, types that
 * hold each other's values, enums by name. Nothing is dropped silently: every field of the message has its place in the
 * record, and a field that only the record has needs a default.
 *
 * A field whose Avro type is not nullable is thereby required, if the message can leave it out.
 *
 * @returns how the enums of a message are named in the record.
 * @throws {ContractError} `schema_mismatch`, naming the field.
 */
export function agree(message: protobuf.Type, record: avsc.Type): MessageNaming {
  return new Agreement().message(message, record, message.name);
}

class Agreement {
  /** Message types may contain themselves. */
  readonly #known = new Map<protobuf.Type, EnumNaming[]>();

  message(message: protobuf.Type, record: avsc.Type, path: string): MessageNaming {
    if (!avsc.Type.isType(record, 'record'))
      throw mismatch(path, `is a message, but the schema has ${record.typeName}`);
    const known = this.#known.get(message);
    if (known !== undefined) return known;
    const namings: EnumNaming[] = [];
    this.#known.set(message, namings);
    const places = new Map((record as avsc.types.RecordType).fields.map((place) => [place.name, place]));
    for (const field of message.fieldsArray) {
      const place = places.get(field.name);
      const at = `${path}.${field.name}`;
      if (place === undefined) throw mismatch(at, 'has no field of the same name in the schema');
      places.delete(field.name);
      if (leavesNull(field) && !nullable(place.type) && place.defaultValue() !== undefined) {
        throw mismatch(at, 'can be absent, so the schema must not give it a default without allowing null');
      }
      const naming = this.#field(field, place.type, at);
      if (naming !== undefined) namings.push(naming);
    }
    for (const place of places.values()) {
      if (place.defaultValue() === undefined)
        throw mismatch(`${path}.${place.name}`, 'is only in the schema, without a default');
    }
    return namings;
  }

  #field(field: protobuf.Field, place: avsc.Type, path: string): EnumNaming | undefined {
    const type = withoutNull(place, path);
    if (field instanceof protobuf.MapField) {
      if (field.keyType !== 'string' || !avsc.Type.isType(type, 'map'))
        throw mismatch(path, 'is a map, which needs string keys and an Avro map');
      return this.#value(field, (type as avsc.types.MapType).valuesType, path, 'map');
    }
    if (field.repeated) {
      if (!avsc.Type.isType(type, 'array')) throw mismatch(path, `is repeated, but the schema has ${type.typeName}`);
      return this.#value(field, (type as avsc.types.ArrayType).itemsType, path, 'repeated');
    }
    return this.#value(field, type, path, 'single');
  }

  #value(field: protobuf.Field, place: avsc.Type, path: string, arity: EnumNaming['arity']): EnumNaming | undefined {
    const type = withoutNull(place, path);
    const { resolvedType } = field;
    if (resolvedType instanceof protobuf.Type) {
      const fields = this.message(resolvedType, type, path);
      return { field: field.name, arity, of: fields };
    }
    if (resolvedType instanceof protobuf.Enum)
      return { field: field.name, arity, names: enumNames(resolvedType, type, path) };
    if (holders[field.type]?.includes(type.typeName)) return undefined;
    throw mismatch(path, `is ${field.type}, which the schema's ${type.typeName} does not hold`);
  }
}

/**
 * Avro symbol of each number. A symbol is the Protobuf name, or what is left of it after the enum's own name:
 * VEHICLE_STATUS_PARKED → PARKED. Only the value 0 may have no symbol: then it counts as missing.
 */
function enumNames(protoEnum: protobuf.Enum, place: avsc.Type, path: string): ReadonlyMap<number, string> {
  if (!avsc.Type.isType(place, 'enum')) throw mismatch(path, `is an enum, but the schema has ${place.typeName}`);
  const symbols = new Set((place as avsc.types.EnumType).symbols);
  const prefix = prefixOf(protoEnum);
  const names = new Map<number, string>();
  for (const [name, number] of Object.entries(protoEnum.values)) {
    const symbol = [name, name.replace(prefix, '')].find((candidate) => symbols.has(candidate));
    if (symbol !== undefined) names.set(number, symbol);
    else if (number !== 0) throw mismatch(path, `can be ${name}, which is no symbol of the schema's ${place.name}`);
  }
  return names;
}

/** VehicleStatus → VEHICLE_STATUS_ */
const prefixOf = ({ name }: protobuf.Enum): string => `${name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase()}_`;

/**
 * How the enums of a message are named that is held against no schema: like symbols, every value with a name of its own.
 */
export function nameAsDeclared(message: protobuf.Type, known = new Map<protobuf.Type, EnumNaming[]>()): MessageNaming {
  const before = known.get(message);
  if (before !== undefined) return before;
  const namings: EnumNaming[] = [];
  known.set(message, namings);
  for (const { name: field, resolvedType, repeated, map } of message.fieldsArray) {
    const arity = map ? 'map' : repeated ? 'repeated' : 'single';
    if (resolvedType instanceof protobuf.Type) namings.push({ field, arity, of: nameAsDeclared(resolvedType, known) });
    if (!(resolvedType instanceof protobuf.Enum)) continue;
    const prefix = prefixOf(resolvedType);
    const names = Object.entries(resolvedType.values).map(
      ([name, number]) => [number, name.replace(prefix, '')] as const,
    );
    namings.push({ field, arity, names: new Map(names) });
  }
  return namings;
}

/** Whether the decoder leaves null where the field was absent. */
function leavesNull(field: protobuf.Field): boolean {
  if (field.repeated || field.map) return false;
  return field.resolvedType instanceof protobuf.Type || Boolean(field.hasPresence);
}

function nullable(type: avsc.Type): boolean {
  return branches(type).some((branch) => branch.typeName === 'null');
}

function withoutNull(type: avsc.Type, path: string): avsc.Type {
  const [only, ...others] = branches(type).filter((branch) => branch.typeName !== 'null');
  if (only === undefined || others.length > 0) throw mismatch(path, 'has a union of several types in the schema');
  return only;
}

function branches(type: avsc.Type): readonly avsc.Type[] {
  return avsc.Type.isType(type, 'union') ? (type as avsc.types.UnwrappedUnionType).types : [type];
}

function mismatch(path: string, problem: string): ContractError {
  return new ContractError('schema_mismatch', `${path} ${problem}`);
}
