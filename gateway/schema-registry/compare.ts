import type { RecordSchema, RegisteredSchema } from '../core/codec.ts';
import { breaksOf, type CompatibilityMode, isTransitive, type VersionBreak } from './compatibility.ts';
import type { SchemaRegistry } from './registry.ts';

/** How a schema stands to its subject. */
export interface Comparison {
  readonly schema: RecordSchema;
  /** `registered`: it is a version. `first`: there is none yet. */
  readonly state: 'registered' | 'first' | 'compatible' | 'incompatible';
  /** What it is registered as. */
  readonly registered?: RegisteredSchema;
  /** Promises of the mode that it would break. */
  readonly breaks: readonly VersionBreak[];
  /** What the registry itself has to say against it. */
  readonly objections: readonly string[];
}

/** Holds a schema against its subject under a mode. Changes nothing. @throws {SchemaRegistryError} */
export async function compare(
  registry: SchemaRegistry,
  schema: RecordSchema,
  mode: CompatibilityMode,
): Promise<Comparison> {
  const registered = await registry.lookUp(schema);
  if (registered !== undefined) return { schema, state: 'registered', registered, breaks: [], objections: [] };
  const versions = await registry.versions(schema.subject, isTransitive(mode) ? 'all' : 'latest');
  if (versions.length === 0) return { schema, state: 'first', breaks: [], objections: [] };
  const breaks = breaksOf(schema, versions, mode);
  const objections = await registry.objections(schema);
  const state = breaks.length + objections.length === 0 ? 'compatible' : 'incompatible';
  return { schema, state, breaks, objections };
}

/** What is wrong with an incompatible schema, a line each. */
export function describeProblems({ breaks, objections }: Comparison): string[] {
  return [
    ...breaks.map(({ version, reader, path, problem }) => {
      const who =
        reader === 'new'
          ? `a reader with this schema cannot read what version ${version} wrote`
          : `a reader with version ${version} cannot read what this schema writes`;
      return `${path}: ${problem} (${who})`;
    }),
    ...objections.map((words) => `the registry says: ${words}`),
  ];
}
