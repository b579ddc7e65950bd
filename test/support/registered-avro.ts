import avsc from 'avsc';

const types = new Map<string, avsc.Type>();

/** Decodes a value in the Confluent wire format (0x00, 4-byte schema id, Avro body) with the schema that the registry holds. */
export async function decodeWithRegistry(registryUrl: string, value: Buffer | null): Promise<Record<string, unknown>> {
  if (value === null || value[0] !== 0) throw new Error('not in the Confluent wire format');
  const id = value.readInt32BE(1);
  const known = types.get(`${registryUrl}#${id}`) ?? (await fetchType(registryUrl, id));
  types.set(`${registryUrl}#${id}`, known);
  return known.fromBuffer(value.subarray(5)) as Record<string, unknown>;
}

async function fetchType(registryUrl: string, id: number): Promise<avsc.Type> {
  const response = await fetch(`${registryUrl}/schemas/ids/${id}`);
  if (!response.ok) throw new Error(`the registry knows no schema ${id}: ${response.status}`);
  const { schema } = (await response.json()) as { schema: string };
  return avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, { wrapUnions: false });
}
