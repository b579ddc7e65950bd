import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import protobuf from 'protobufjs';
import { ContractError } from './contract-error.ts';

// Without Long, 64-bit integers are decoded as numbers, which Avro takes as they are. Integers beyond 2^53 lose digits
// but stay beyond 2^53, so validation still sees that they are out of range.
protobuf.util.Long = undefined as unknown as typeof protobuf.util.Long;
protobuf.configure();

/** The device contract that comes with the gateway. */
export const shippedProtos = resolve(import.meta.dirname, '../../proto');

/**
 * Loads the shipped .proto files and the operator's.
 *
 * @param protoPaths files, or directories whose .proto files are all loaded. Imports are looked up in these directories
 * and in the directories of these files, in their order, and at last in the shipped directory.
 * @throws {ContractError} `invalid_proto`
 */
export function loadProtos(protoPaths: readonly string[]): protobuf.Root {
  const root = new protobuf.Root();
  try {
    const includes = includeFolders(protoPaths);
    const files = allPaths(protoPaths).flatMap((path) => (isDirectory(path) ? protosBelow(path) : [path]));
    root.resolvePath = (_origin, target) => findIncluded(target, includes);
    root.loadSync(files);
    root.resolveAll();
    leaveNullWhereAbsent(root);
    return root;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ContractError('invalid_proto', `the .proto files can't be loaded: ${reason}`, error);
  }
}

/** The directories in which imports are looked up, in their order. */
export function includeFolders(protoPaths: readonly string[]): string[] {
  return allPaths(protoPaths).map((path) => (isDirectory(path) ? path : dirname(path)));
}

const allPaths = (protoPaths: readonly string[]): string[] => [
  ...new Set([...protoPaths.map((path) => resolve(path)), shippedProtos]),
];
const isDirectory = (path: string): boolean => statSync(path).isDirectory();

/**
 * Lets a decoded message have null wherever a field with presence was absent. protobufjs does so for messages and
 * `optional` fields of proto3, but gives members of a oneof and fields of proto2 the default of their type, which nobody
 * could tell from a value that was sent.
 */
function leaveNullWhereAbsent(namespace: protobuf.NamespaceBase): void {
  if (namespace instanceof protobuf.Type) {
    const prototype = namespace.ctor.prototype as unknown as Record<string, unknown>;
    for (const field of namespace.fieldsArray) if (field.hasPresence) prototype[field.name] = null;
  }
  for (const nested of namespace.nestedArray) if (nested instanceof protobuf.Namespace) leaveNullWhereAbsent(nested);
}

function protosBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.proto'))
    .sort()
    .map((name) => join(directory, name));
}

/** The file that an import means. */
export function findIncluded(target: string, includes: readonly string[]): string {
  return includes.map((include) => resolve(include, target)).find((path) => existsSync(path)) ?? target;
}
