/** The fields of a message that hold enums, directly or further inside. */
export type MessageNaming = readonly EnumNaming[];

export interface EnumNaming {
  readonly field: string;
  readonly arity: 'single' | 'repeated' | 'map';
  /** Avro symbol by Protobuf number, for an enum. */
  readonly names?: ReadonlyMap<number, string>;
  /** The fields of the message that the field holds. */
  readonly of?: MessageNaming;
}

type Fields = Record<string, unknown>;

/**
 * Replaces, in a message that was just decoded, the numbers of enums by their Avro symbols.
 *
 * @returns which field holds a number without a symbol; undefined when none does.
 */
export function nameEnums(message: Fields, naming: MessageNaming): string | undefined {
  for (const enumNaming of naming) {
    const value = message[enumNaming.field];
    if (value === null || value === undefined) continue;
    const defect =
      enumNaming.arity === 'single'
        ? nameValue(message, enumNaming.field, enumNaming)
        : nameAll(value as Fields, enumNaming);
    if (defect === undefined) continue;
    return enumNaming.arity === 'single' ? defect : `${enumNaming.field}.${defect}`;
  }
  return undefined;
}

/** `holder` is an array or an object used as a map. */
function nameAll(holder: Fields, naming: EnumNaming): string | undefined {
  for (const key of Object.keys(holder)) {
    const defect = nameValue(holder, key, naming);
    if (defect !== undefined) return defect;
  }
  return undefined;
}

function nameValue(holder: Fields, key: string, naming: EnumNaming): string | undefined {
  const value = holder[key];
  if (naming.names === undefined) {
    const defect = naming.of && nameEnums(value as Fields, naming.of);
    return defect === undefined ? undefined : `${key}.${defect}`;
  }
  const name = naming.names.get(value as number);
  if (name === undefined) return value === 0 ? `${key} is missing` : `${key} ${String(value)} is no known value`;
  holder[key] = name;
  return undefined;
}
