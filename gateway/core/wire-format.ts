/**
 * The Confluent wire format of a Kafka value: magic byte 0, the schema's id as a 4-byte big-endian integer, the body.
 * In the core, because encoding needs it; readers find here how to take it apart.
 */

export const framingBytes = 5;
const magic = 0;

/** Writes magic byte and id; `target` must have `framingBytes` bytes left. Returns the offset of the body. */
export function writeFraming(schemaId: number, target: Uint8Array, offset: number): number {
  target[offset] = magic;
  target[offset + 1] = schemaId >>> 24;
  target[offset + 2] = (schemaId >>> 16) & 0xff;
  target[offset + 3] = (schemaId >>> 8) & 0xff;
  target[offset + 4] = schemaId & 0xff;
  return offset + framingBytes;
}

/** The schema id of a framed value, or undefined when it is not in the wire format. The body starts at `framingBytes`. */
export function readSchemaId(value: Uint8Array): number | undefined {
  if (value.length < framingBytes || value[0] !== magic) return undefined;
  const [, a = 0, b = 0, c = 0, d = 0] = value;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
