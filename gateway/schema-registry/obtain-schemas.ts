import type { RecordSchema, RegisteredSchema } from '../core/codec.ts';
import { compare, describeProblems } from './compare.ts';
import type { CompatibilityMode } from './compatibility.ts';
import type { SchemaRegistry } from './registry.ts';
import { SchemaRegistryError } from './registry-error.ts';

export interface ObtainSettings {
  /**
   * True: a schema that is no version of its subject yet becomes one, once it is certain that it keeps the promises of
   * `compatibility`. False: somebody else registers, and an unknown schema is an error.
   */
  readonly register: boolean;
  /** What a new version must promise. */
  readonly compatibility: CompatibilityMode;
  /** Whether subjects get this mode in the registry, too, so that it holds everybody to it. */
  readonly setCompatibility: boolean;
}

/**
 * Obtains what the registry holds all schemas as that the gateway writes.
 *
 * @returns by subject.
 * @throws {SchemaRegistryError} of the first schema that fails; those before it stay registered, which harms nobody.
 */
export async function obtainSchemas(
  registry: SchemaRegistry,
  schemas: readonly RecordSchema[],
  settings: ObtainSettings,
): Promise<ReadonlyMap<string, RegisteredSchema>> {
  const obtained = new Map<string, RegisteredSchema>();
  for (const schema of withReferences(schemas)) {
    obtained.set(schema.subject, await obtain(registry, schema, settings));
  }
  return obtained;
}

/** Each schema once, behind those that it refers to: a registry takes them in this order only. */
export function withReferences(schemas: readonly RecordSchema[]): RecordSchema[] {
  const ordered = new Map<string, RecordSchema>();
  const add = (schema: RecordSchema): void => {
    if (ordered.has(schema.subject)) return;
    for (const reference of schema.references ?? []) add(reference);
    ordered.set(schema.subject, schema);
  };
  for (const schema of schemas) add(schema);
  return [...ordered.values()];
}

async function obtain(
  registry: SchemaRegistry,
  schema: RecordSchema,
  settings: ObtainSettings,
): Promise<RegisteredSchema> {
  const { register, compatibility, setCompatibility } = settings;
  const comparison = await compare(registry, schema, compatibility);
  const { state, registered } = comparison;
  // Set before registering, so that the registry itself holds this very version to it; it takes no mode for a subject
  // that is not there yet.
  if (setCompatibility && register && state !== 'first') await ensureMode(registry, schema.subject, compatibility);
  if (registered !== undefined) return registered;
  if (state === 'incompatible') {
    throw incompatible(schema, compatibility, describeProblems(comparison));
  }
  if (!register) throw notRegistered(schema);
  const created = await registerOrLookUp(registry, schema, compatibility);
  if (setCompatibility && state === 'first') await ensureMode(registry, schema.subject, compatibility);
  return created;
}

async function ensureMode(registry: SchemaRegistry, subject: string, mode: CompatibilityMode): Promise<void> {
  if ((await registry.mode(subject)) !== mode) await registry.setMode(subject, mode);
}

async function registerOrLookUp(
  registry: SchemaRegistry,
  schema: RecordSchema,
  mode: CompatibilityMode,
): Promise<RegisteredSchema> {
  try {
    return await registry.register(schema, mode);
  } catch (error) {
    if (!(error instanceof SchemaRegistryError) || error.code !== 'schema_incompatible') throw error;
    // Of several gateways that start at once and register the same schema, Apicurio answers all but one with the status
    // of an incompatible schema.
    const registeredByAnother = await registry.lookUp(schema);
    if (registeredByAnother === undefined) throw error;
    return registeredByAnother;
  }
}

function incompatible(schema: RecordSchema, mode: CompatibilityMode, reasons: readonly string[]): SchemaRegistryError {
  const problem = `"${schema.subject}": the schema is not ${mode} compatible with what is registered`;
  return new SchemaRegistryError('schema_incompatible', [problem, ...reasons].join('; '));
}

function notRegistered({ subject }: RecordSchema): SchemaRegistryError {
  const remedy = 'register it with `npm run schemas -- register`, or let the gateway do it: schemaRegistry.register';
  return new SchemaRegistryError('schema_not_found', `"${subject}": the schema is not registered; ${remedy}`);
}
