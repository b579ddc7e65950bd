import protobuf from 'protobufjs';
import type { MessageDecoder, MessageEncoder, RecordSchema } from '../core/codec.ts';
import type { RouteSettings } from '../core/route.ts';
import { agree, nameAsDeclared } from './agreement.ts';
import { AvroEncoder } from './avro-encoder.ts';
import { type AvroSchema, avroRecordSchema, readAvroSchema, subjectOf } from './avro-schema.ts';
import { ContractError } from './contract-error.ts';
import type { MessageNaming } from './enum-naming.ts';
import { ownBytesEncoder } from './own-bytes.ts';
import { messageIndexes, type ProtoSchemas } from './proto-schemas.ts';
import { ProtobufDecoder } from './protobuf-decoder.ts';

/** Where the contracts of routes are found. */
export interface ContractSources {
  readonly root: protobuf.Root;
  readonly protoSchemas: ProtoSchemas;
  readonly schemaPaths: readonly string[];
}

/** Everything about the values of one type of record but what the registry calls their schema. */
export interface RecordContract {
  readonly encoder: MessageEncoder;
  readonly contentType: 'application/avro' | 'application/protobuf';
  readonly schema: RecordSchema;
  /** For the framing of Protobuf values. */
  readonly messageIndexes?: readonly number[];
}

export interface RouteContract extends RecordContract {
  readonly pattern: string;
  readonly decoder: MessageDecoder;
  /** The .proto file that declares what devices send. */
  readonly deviceSchema: RecordSchema;
}

/** @throws {ContractError} */
export function loadRouteContract(route: RouteSettings, sources: ContractSources): RouteContract {
  const type = lookupMessage(route, sources.root);
  const items = route.items === undefined ? undefined : itemsField(route, type);
  const event = (items?.resolvedType ?? type) as protobuf.Type;
  const avro = readSchema(route, sources.schemaPaths);
  const forwards = route.valueFormat === 'protobuf';
  const record = forwards ? protobufRecord(route, event, sources.protoSchemas) : avroRecord(route, avro as AvroSchema);
  return {
    pattern: route.pattern,
    decoder: new ProtobufDecoder({ type, items, event, naming: namingOf(route, event, avro), keepsBytes: forwards }),
    deviceSchema: sources.protoSchemas.fileDeclaring(type),
    ...record,
  };
}

function readSchema(route: RouteSettings, schemaPaths: readonly string[]): AvroSchema | undefined {
  return route.schema === undefined ? undefined : readAvroSchema(route.schema, schemaPaths, nameOf(route));
}

function namingOf(route: RouteSettings, event: protobuf.Type, avro: AvroSchema | undefined): MessageNaming {
  if (avro === undefined) return nameAsDeclared(event);
  return withRoute(`${nameOf(route)}, schema "${route.schema}"`, () => agree(event, avro.type));
}

function avroRecord({ kafkaTopic }: RouteSettings, avro: AvroSchema): RecordContract {
  return {
    encoder: new AvroEncoder(avro.type),
    contentType: 'application/avro',
    schema: avroRecordSchema(kafkaTopic, avro),
  };
}

function protobufRecord(route: RouteSettings, event: protobuf.Type, protoSchemas: ProtoSchemas): RecordContract {
  const subject = subjectOf(route.kafkaTopic, event.fullName.replace(/^\./, ''));
  return withRoute(nameOf(route), () => ({
    encoder: ownBytesEncoder,
    contentType: 'application/protobuf',
    schema: protoSchemas.declaring(event, subject),
    messageIndexes: messageIndexes(event),
  }));
}

function lookupMessage(route: RouteSettings, root: protobuf.Root): protobuf.Type {
  const found = root.lookup(route.message ?? '', [protobuf.Type]);
  if (found instanceof protobuf.Type && found.fullName === `.${route.message}`) return found;
  throw new ContractError('unknown_message', `${nameOf(route)}: no .proto file declares "${route.message}"`);
}

function itemsField(route: RouteSettings, batch: protobuf.Type): protobuf.Field {
  const field = batch.fields[route.items as string];
  if (field?.repeated && field.resolvedType instanceof protobuf.Type && !field.delimited) return field;
  throw new ContractError(
    'unknown_message',
    `${nameOf(route)}: "${route.message}" has no repeated messages in a field "${route.items}"`,
  );
}

const nameOf = ({ pattern }: RouteSettings): string => `route "${pattern}"`;

/** Tells, with a problem of a contract, whose it is. */
function withRoute<Result>(name: string, load: () => Result): Result {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    throw new ContractError(error.code, `${name}: ${error.message}`, error);
  }
}
