import type { RecordSchema } from '../core/codec.ts';
import { avroBreaks } from './avro-compatibility.ts';
import { protobufBreaks } from './protobuf-compatibility.ts';
import type { SchemaVersion } from './registry.ts';

/** The modes of the Confluent registry. The transitive ones hold a schema against all versions, not only the latest. */
export const compatibilityModes = [
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
  'NONE',
] as const;
export type CompatibilityMode = (typeof compatibilityModes)[number];

/** Why one schema cannot read what was written with another. */
export interface Break {
  /** `VehicleTelemetry.position.latitudeDeg` */
  readonly path: string;
  /** What is at that place, for people. */
  readonly problem: string;
}

/** A promise of the mode that a schema breaks. */
export interface VersionBreak extends Break {
  /** The version that it was held against. */
  readonly version: number;
  /** `new`: consumers with the new schema cannot read what was written with the version. `old`: the other way round. */
  readonly reader: 'new' | 'old';
}

export const isTransitive = (mode: CompatibilityMode): boolean => mode.endsWith('_TRANSITIVE');

/**
 * The promises of `mode` that a schema would break. Asked here as well as of the registry, because a registry checks only
 * where somebody has set a mode (Apicurio's default is NONE), and does not always say what is wrong.
 *
 * @param versions those that the mode holds it against.
 */
export function breaksOf(
  schema: RecordSchema,
  versions: readonly SchemaVersion[],
  mode: CompatibilityMode,
): VersionBreak[] {
  const backward = mode.startsWith('BACKWARD') || mode.startsWith('FULL');
  const forward = mode.startsWith('FORWARD') || mode.startsWith('FULL');
  return versions.flatMap(({ version, type, definition }): VersionBreak[] => {
    if (type !== schema.type) {
      const problem = `the subject holds ${type} schemas, and this is ${schema.type}`;
      return mode === 'NONE' ? [] : [{ version, reader: 'new', path: schema.subject, problem }];
    }
    const breaks = type === 'AVRO' ? avroBreaks : protobufBreaks;
    const found = (reader: 'new' | 'old', all: readonly Break[]) => all.map((each) => ({ version, reader, ...each }));
    return [
      ...(backward ? found('new', breaks(schema.definition, definition)) : []),
      ...(forward ? found('old', breaks(definition, schema.definition)) : []),
    ];
  });
}
