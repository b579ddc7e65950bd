import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import avsc from 'avsc';
import protobuf from 'protobufjs';
import type { RecordSchema, RegisteredSchema, RouteCodec } from '../core/codec.ts';
import type { RouteSettings } from '../core/route.ts';
import { RouteTable } from '../core/route-table.ts';
import { framingOf } from '../core/wire-format.ts';
import { agree } from './agreement.ts';
import { AvroEncoder } from './avro-encoder.ts';
import { ContractError } from './contract-error.ts';
import { loadProtos } from './proto-root.ts';
import { ProtobufDecoder } from './protobuf-decoder.ts';

/** The schemas that come with the gateway. */
export const shippedSchemas = resolve(import.meta.dirname, '../../schemas');

export interface ContractOptions {
  readonly routes: readonly RouteSettings[];
  /** The operator's own .proto files, or directories of them. */
  readonly protoPaths?: readonly string[];
  /** The operator's own directories of Avro schemas. */
  readonly schemaPaths?: readonly string[];
}

/** The message types and schemas of all protobuf routes, loaded and checked against each other. */
export interface Contracts {
  /** What must be registered before records can be written; each subject once. */
  readonly schemas: readonly RecordSchema[];
  /**
   * Codec of each protobuf route, by its pattern.
   *
   * @param registered what the registry holds each of `schemas` as, by subject.
   * @throws {ContractError} `unregistered_schema` when one is missing.
   */
  codecs(registered: ReadonlyMap<string, RegisteredSchema>): ReadonlyMap<string, RouteCodec>;
}

/**
 * Loads the contracts of all protobuf routes. A relative `schema` of a route is looked up in `schemaPaths`, in their
 * order, and at last among the shipped schemas.
 *
 * @throws {RouteError} when the routes contradict themselves or each other.
 * @throws {ContractError}
 */
export function loadContracts(options: ContractOptions): Contracts {
  // Settings that contradict themselves are told first, as such.
  new RouteTable(options.routes);
  const root = loadProtos(options.protoPaths ?? []);
  const contracts = options.routes
    .filter((route) => route.format === 'protobuf')
    .map((route) => loadContract(route, root, [...(options.schemaPaths ?? []), shippedSchemas]));
  return {
    schemas: uniqueBySubject(contracts.map(({ schema }) => schema)),
    codecs: (registered) =>
      new Map(
        contracts.map((contract) => [contract.pattern, codecOf(contract, registered.get(contract.schema.subject))]),
      ),
  };
}

interface RouteContract extends Omit<RouteCodec, 'framing' | 'schemaUri'> {
  readonly pattern: string;
  readonly schema: RecordSchema;
}

function loadContract(route: RouteSettings, root: protobuf.Root, schemaPaths: readonly string[]): RouteContract {
  const type = lookupMessage(route, root);
  const event = route.items === undefined ? type : itemsType(route, type);
  const definition = readSchema(route, schemaPaths);
  const record = parseSchema(definition, route);
  try {
    return {
      pattern: route.pattern,
      decoder: new ProtobufDecoder(type, event, route.items, agree(event, record)),
      encoder: new AvroEncoder(record),
      contentType: 'application/avro',
      schema: { subject: subjectOf(route.kafkaTopic, record), type: 'AVRO', definition },
    };
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    throw new ContractError(error.code, `route "${route.pattern}", schema "${route.schema}": ${error.message}`, error);
  }
}

/**
 * TopicRecordNameStrategy of the Confluent serializers. Not their default, `{topic}-value`: a topic holds records of
 * several types here, and under one subject each would have to be compatible with the others.
 */
function subjectOf(topic: string, record: avsc.Type): string {
  return `${topic}-${record.name}`;
}

function lookupMessage(route: RouteSettings, root: protobuf.Root): protobuf.Type {
  const found = root.lookup(route.message ?? '', [protobuf.Type]);
  if (found instanceof protobuf.Type && found.fullName === `.${route.message}`) return found;
  throw new ContractError('unknown_message', `route "${route.pattern}": no .proto file declares "${route.message}"`);
}

function itemsType(route: RouteSettings, batch: protobuf.Type): protobuf.Type {
  const field = route.items === undefined ? undefined : batch.fields[route.items];
  if (field?.repeated && field.resolvedType instanceof protobuf.Type) return field.resolvedType;
  throw new ContractError(
    'unknown_message',
    `route "${route.pattern}": "${route.message}" has no repeated messages in a field "${route.items}"`,
  );
}

function readSchema(route: RouteSettings, schemaPaths: readonly string[]): string {
  const name = route.schema ?? '';
  const file = schemaPaths.map((directory) => resolve(directory, name)).find((path) => existsSync(path)) ?? name;
  try {
    return JSON.stringify(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw invalidSchema(route, error);
  }
}

function parseSchema(definition: string, route: RouteSettings): avsc.Type {
  try {
    return avsc.Type.forSchema(JSON.parse(definition), { wrapUnions: false });
  } catch (error) {
    throw invalidSchema(route, error);
  }
}

function invalidSchema(route: RouteSettings, error: unknown): ContractError {
  const reason = error instanceof Error ? error.message : String(error);
  return new ContractError('invalid_schema', `route "${route.pattern}": schema "${route.schema}": ${reason}`, error);
}

function uniqueBySubject(schemas: readonly RecordSchema[]): RecordSchema[] {
  const unique = new Map<string, RecordSchema>();
  for (const schema of schemas) {
    const other = unique.get(schema.subject);
    if (other !== undefined && other.definition !== schema.definition) {
      throw new ContractError(
        'invalid_schema',
        `two routes have different schemas for the subject "${schema.subject}"`,
      );
    }
    unique.set(schema.subject, schema);
  }
  return [...unique.values()];
}

function codecOf(contract: RouteContract, registered: RegisteredSchema | undefined): RouteCodec {
  const { decoder, encoder, contentType, schema } = contract;
  if (registered === undefined) {
    throw new ContractError('unregistered_schema', `the registry gave no id for "${schema.subject}"`);
  }
  return { decoder, encoder, contentType, framing: framingOf(registered), schemaUri: registered.uri };
}
