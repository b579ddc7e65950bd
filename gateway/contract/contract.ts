import type { RecordCodec, RecordSchema, RegisteredSchema, RouteCodec } from '../core/codec.ts';
import type { RouteSettings } from '../core/route.ts';
import { RouteTable } from '../core/route-table.ts';
import { framingOf } from '../core/wire-format.ts';
import { AvroEncoder } from './avro-encoder.ts';
import { avroRecordSchema, readAvroSchema, shippedSchemas } from './avro-schema.ts';
import { ContractError } from './contract-error.ts';
import { loadProtos } from './proto-root.ts';
import { ProtoSchemas } from './proto-schemas.ts';
import { loadRouteContract, type RecordContract } from './route-contract.ts';

/** Records that no route writes, but the gateway itself. */
export interface RecordSettings {
  /** What its codec is asked for by. */
  readonly name: string;
  readonly kafkaTopic: string;
  /** File of the Avro schema. */
  readonly schema: string;
}

export interface ContractOptions {
  readonly routes: readonly RouteSettings[];
  readonly records?: readonly RecordSettings[];
  /** The operator's own .proto files, or directories of them. */
  readonly protoPaths?: readonly string[];
  /** The operator's own directories of Avro schemas. */
  readonly schemaPaths?: readonly string[];
}

/** What the registry holds schemas as, by subject. */
export type Registered = ReadonlyMap<string, RegisteredSchema>;

/** The message types and schemas of all protobuf routes, loaded and checked against each other. */
export interface Contracts {
  /** What must be registered before records can be written; each subject once. */
  readonly schemas: readonly RecordSchema[];
  /** The .proto files of what devices send; each once, without those that they import. */
  readonly deviceSchemas: readonly RecordSchema[];
  /**
   * Codec of each protobuf route, by its pattern.
   *
   * @throws {ContractError} `unregistered_schema` when one of `schemas` is missing.
   */
  codecs(registered: Registered): ReadonlyMap<string, RouteCodec>;
  /** Codec of each of `records`, by its name. Throws like `codecs`. */
  recordCodecs(registered: Registered): ReadonlyMap<string, RecordCodec>;
}

/**
 * Loads the contracts of all protobuf routes. A relative `schema` of a route is looked up in `schemaPaths`, in their
 * order, and at last among the shipped schemas.
 *
 * @throws {RouteError} when the routes contradict themselves or each other.
 * @throws {ContractError}
 */
export function loadContracts({ routes, records = [], protoPaths = [], ...options }: ContractOptions): Contracts {
  // Settings that contradict themselves are told first, as such.
  new RouteTable(routes);
  const schemaPaths = [...(options.schemaPaths ?? []), shippedSchemas];
  const sources = { root: loadProtos(protoPaths), protoSchemas: new ProtoSchemas(protoPaths), schemaPaths };
  const ofRoutes = routes
    .filter(({ format }) => format === 'protobuf')
    .map((route) => loadRouteContract(route, sources));
  const ofRecords = records.map((record) => ({ ...record, contract: loadRecordContract(record, schemaPaths) }));
  const written = [...ofRoutes, ...ofRecords.map(({ contract }) => contract)];
  return {
    schemas: uniqueBySubject(written.map(({ schema }) => schema)),
    deviceSchemas: uniqueBySubject(ofRoutes.map(({ deviceSchema }) => deviceSchema)),
    codecs: (registered) =>
      new Map(
        ofRoutes.map((contract) => [
          contract.pattern,
          { decoder: contract.decoder, ...recordCodec(contract, registered) },
        ]),
      ),
    recordCodecs: (registered) =>
      new Map(ofRecords.map(({ name, contract }) => [name, recordCodec(contract, registered)])),
  };
}

function loadRecordContract(record: RecordSettings, schemaPaths: readonly string[]): RecordContract {
  const avro = readAvroSchema(record.schema, schemaPaths, `the gateway's own record "${record.name}"`);
  return {
    encoder: new AvroEncoder(avro.type),
    contentType: 'application/avro',
    schema: avroRecordSchema(record.kafkaTopic, avro),
  };
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

function recordCodec(contract: RecordContract, registered: Registered): RecordCodec {
  const { encoder, contentType, schema } = contract;
  const known = registered.get(schema.subject);
  if (known === undefined) {
    throw new ContractError('unregistered_schema', `the registry gave no id for "${schema.subject}"`);
  }
  return { encoder, contentType, framing: framingOf(known, contract.messageIndexes), schemaUri: known.uri };
}
