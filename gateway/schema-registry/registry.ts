import type { RecordSchema, RegisteredSchema } from '../core/codec.ts';
import type { CompatibilityMode } from './compatibility.ts';

/** A version of a subject. */
export interface SchemaVersion {
  readonly version: number;
  readonly type: RecordSchema['type'];
  /** As it was registered; registries may have changed its white space. */
  readonly definition: string;
}

/**
 * A schema registry. Every method throws a `SchemaRegistryError` when there is no good answer, and never retries by itself:
 * whoever starts the gateway decides how long to try.
 */
export interface SchemaRegistry {
  /** Tells it from other registries: an address without credentials. */
  readonly name: string;
  /** What a version of the schema's subject that is equal to it is registered as; undefined when there is none. */
  lookUp(schema: RecordSchema): Promise<RegisteredSchema | undefined>;
  /** Registers a schema as a version of its subject, unless it is one already. Its references must be registered. */
  register(schema: RecordSchema, mode: CompatibilityMode): Promise<RegisteredSchema>;
  /** Versions of a subject, oldest first; none when there is no such subject. */
  versions(subject: string, which: 'latest' | 'all'): Promise<readonly SchemaVersion[]>;
  /** What the registry itself has against a schema, under the mode that it has for its subject; empty when nothing. */
  objections(schema: RecordSchema): Promise<readonly string[]>;
  /** The mode that the registry has for a subject; undefined when it has none of its own for it. */
  mode(subject: string): Promise<CompatibilityMode | undefined>;
  /** Sets the mode of a subject that has versions. */
  setMode(subject: string, mode: CompatibilityMode): Promise<void>;
}
