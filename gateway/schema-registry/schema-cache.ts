import { LRUCache } from 'lru-cache';
import type { RegistryClient } from './registry-client.ts';

/**
 * Schemas by their id. An id means the same schema for ever, so nothing expires; the bound is for readers of topics with
 * values that name arbitrary ids. Concurrent calls for one id share a request; a failed one is not remembered.
 */
export class SchemaCache {
  readonly #schemas: LRUCache<number, { readonly schema: string }>;

  constructor(client: Pick<RegistryClient, 'schemaById'>, maxEntries = 1000) {
    this.#schemas = new LRUCache({
      max: maxEntries,
      fetchMethod: async (id) => ({ schema: await client.schemaById(id) }),
    });
  }

  /** @returns the schema as JSON text. @throws {SchemaRegistryError} */
  async schemaById(id: number): Promise<string> {
    const { schema } = await this.#schemas.forceFetch(id);
    return schema;
  }
}
