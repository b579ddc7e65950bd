import type { RecordSchema, RegisteredSchema } from '../core/codec.ts';
import { backwardIncompatibility } from './backward-compatibility.ts';
import type { RegistryClient } from './registry-client.ts';
import { SchemaRegistryError } from './registry-error.ts';

/**
 * Obtains the registry's ids of all schemas that the gateway writes.
 *
 * @param register true: a schema that is no version of its subject yet becomes one, once it is certain that it is
 * backward compatible with the version before it. False: somebody else registers, and an unknown schema is an error.
 * @returns by subject.
 * @throws {SchemaRegistryError} of the first schema that fails; those before it stay registered, which harms nobody.
 */
export async function obtainSchemaIds(
  client: RegistryClient,
  schemas: readonly RecordSchema[],
  register: boolean,
): Promise<ReadonlyMap<string, RegisteredSchema>> {
  const ids = new Map<string, RegisteredSchema>();
  for (const schema of schemas) {
    ids.set(schema.subject, register ? await lookUpOrRegister(client, schema) : await client.lookUp(schema));
  }
  return ids;
}

async function lookUpOrRegister(client: RegistryClient, schema: RecordSchema): Promise<RegisteredSchema> {
  const known = await client.lookUp(schema).catch(absentAsUndefined);
  if (known !== undefined) return known;
  await assertCompatible(client, schema);
  try {
    return await client.register(schema);
  } catch (error) {
    if (!(error instanceof SchemaRegistryError) || error.code !== 'schema_incompatible') throw error;
    // Of several gateways that start at once and register the same schema, Apicurio answers all but one with the status
    // of an incompatible schema.
    const registeredByAnother = await client.lookUp(schema).catch(absentAsUndefined);
    if (registeredByAnother === undefined) throw error;
    return registeredByAnother;
  }
}

async function assertCompatible(client: RegistryClient, schema: RecordSchema): Promise<void> {
  const latest = await client.latestSchema(schema.subject).catch(absentAsUndefined);
  if (latest === undefined) return;
  const reason = backwardIncompatibility(schema.definition, latest);
  if (reason !== undefined) throw incompatible(schema, [reason]);
  const { compatible, messages } = await client.checkCompatibility(schema);
  if (!compatible) throw incompatible(schema, messages);
}

function incompatible({ subject }: RecordSchema, reasons: readonly string[]): SchemaRegistryError {
  const problem = `"${subject}": the schema is not backward compatible with the latest that is registered`;
  return new SchemaRegistryError('schema_incompatible', [problem, ...reasons].join(': '));
}

function absentAsUndefined(error: unknown): undefined {
  if (error instanceof SchemaRegistryError && error.code === 'schema_not_found') return undefined;
  throw error;
}
