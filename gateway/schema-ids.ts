import type { GatewayConfig } from './config/schema.ts';
import type { RecordSchema, RegisteredSchema } from './core/codec.ts';
import type { Observability } from './observability/observability.ts';
import { retryUntil } from './retry-until.ts';
import { obtainSchemas } from './schema-registry/obtain-schemas.ts';
import { openRegistry } from './schema-registry/open-registry.ts';
import { SchemaRegistryError } from './schema-registry/registry-error.ts';
import { RememberedSchemas } from './spool/remembered-schemas.ts';

const transientErrors: ReadonlySet<string> = new Set(['registry_unreachable', 'registry_unavailable']);

const isTransient = (error: unknown): boolean =>
  error instanceof SchemaRegistryError && transientErrors.has(error.code);

/**
 * What the registry holds all schemas as that the gateway writes, waited for as long as it takes. Where a spool is on, a
 * registry that does not answer is not waited for when that is known from before.
 *
 * @returns by subject; undefined when `signal` was aborted meanwhile.
 * @throws {SchemaRegistryError} what waiting cannot mend.
 */
export async function schemaIds(
  { schemaRegistry, spool }: GatewayConfig,
  schemas: readonly RecordSchema[],
  { lifecycle, spool: spoolEvents }: Observability,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RegisteredSchema> | undefined> {
  const registry = await openRegistry(schemaRegistry);
  const memory = spool.mode === 'off' ? undefined : new RememberedSchemas(spool.directory, registry.name);
  const attempt = () => obtainSchemas(registry, schemas, schemaRegistry);
  let ids: ReadonlyMap<string, RegisteredSchema> | undefined;
  if (memory !== undefined) {
    ids = await attempt().catch(async (error: unknown) => {
      if (!isTransient(error)) throw error;
      const recalled = await memory.recall(schemas);
      if (recalled !== undefined) spoolEvents.schemasRecalled(error, recalled.size);
      return recalled;
    });
  }
  ids ??= await retryUntil(signal, {
    attempt,
    isTransient,
    onRetry: (error) => lifecycle.startDelayed('schema_registry', error),
  });
  if (ids === undefined) return undefined;
  for (const [subject, { id }] of ids) lifecycle.schemaReady(subject, id);
  await memory?.remember(schemas, ids).catch((error: unknown) => spoolEvents.schemasNotRemembered(error));
  return ids;
}
