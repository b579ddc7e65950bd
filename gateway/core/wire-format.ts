import type { RegisteredSchema } from './codec.ts';

/**
 * What stands in front of the body of a Kafka value and tells readers its schema. In the core, because encoding needs it;
 * readers find here how to take it apart.
 */

const confluentMagic = 0;
const glueHeaderVersion = 3;
const glueUncompressed = 0;

/** Bytes in front of an Avro body in the Confluent wire format: magic byte 0, the id as a 4-byte big-endian integer. */
export const framingBytes = 5;

/**
 * The bytes in front of every body of one schema.
 *
 * - Confluent: magic byte 0 and the schema's id; for Protobuf, the message's indexes behind it.
 * - AWS Glue: version byte 3, compression byte 0 (none), the UUID of the schema's version.
 *
 * @param messageIndexes where a Protobuf message is declared: its index in the file, then those inside of the messages
 * around it. Undefined for Avro.
 */
export function framingOf(schema: RegisteredSchema, messageIndexes?: readonly number[]): Uint8Array {
  if (schema.registry === 'glue')
    return Uint8Array.from([glueHeaderVersion, glueUncompressed, ...uuidBytes(schema.id)]);
  const { id } = schema;
  const bytes = [confluentMagic, id >>> 24, (id >>> 16) & 0xff, (id >>> 8) & 0xff, id & 0xff];
  return Uint8Array.from(messageIndexes === undefined ? bytes : [...bytes, ...indexBytes(messageIndexes)]);
}

/** Writes a framing; `target` must have as many bytes left. Returns the offset of the body. */
export function writeFraming(framing: Uint8Array, target: Uint8Array, offset: number): number {
  // Faster than `set`, which does not pay for so few bytes.
  for (let i = 0; i < framing.length; i++) target[offset + i] = framing[i] as number;
  return offset + framing.length;
}

/**
 * The schema id of a value in the Confluent wire format, or undefined when it is not in it. An Avro body starts at
 * `framingBytes`.
 */
export function readSchemaId(value: Uint8Array): number | undefined {
  if (value.length < framingBytes || value[0] !== confluentMagic) return undefined;
  const [, a = 0, b = 0, c = 0, d = 0] = value;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** Count and indexes as zigzag varints; the first message of a file, much the commonest, is the single byte 0. */
function indexBytes(indexes: readonly number[]): number[] {
  return indexes.length === 1 && indexes[0] === 0 ? [0] : [indexes.length, ...indexes].flatMap(zigzagVarint);
}

function zigzagVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

function uuidBytes(uuid: string): number[] {
  return (uuid.replaceAll('-', '').match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}
