import type { Rejection } from './outcome.ts';

/** A decoded message: fields by their camelCase names. Absent fields with explicit presence are null. */
export interface Message {
  readonly [field: string]: unknown;
}

/** Payload → events. Implemented over protobufjs in `gateway/contract`, so that the core stays free of Node types. */
export interface MessageDecoder {
  /** Names of the fields of one event's message. */
  readonly fields: ReadonlySet<string>;
  /** Full name of one event's message: what validation rules are looked up by. */
  readonly eventMessage: string;
  /** Returns the events of the payload (one, or the items of a batch) or why it is none. Never throws. */
  decode(payload: Uint8Array): readonly Message[] | Rejection;
}

/** Message → body of the record's value. Implemented in `gateway/contract`: over avsc, or the device's own bytes. */
export interface MessageEncoder {
  /** Returns the end offset, or a negative number when it does not fit. Throws when `defectOf` finds a defect. */
  encode(message: Message, target: Uint8Array, offset: number): number;
  /** What keeps a message from being encoded, naming the field; undefined when nothing does. Slow and thorough. */
  defectOf(message: Message): string | undefined;
}

/** How the values of one type of record are written: `framing`, then what `encoder` writes. */
export interface RecordCodec {
  readonly encoder: MessageEncoder;
  /** What stands in front of every body and tells readers its schema; made once, see `wire-format.ts`. */
  readonly framing: Uint8Array;
  /** Media type of the values, for the header `content-type`. */
  readonly contentType: 'application/avro' | 'application/protobuf';
  /** Where the registry has the schema: the attribute `dataschema` of CloudEvents. */
  readonly schemaUri: string;
}

/** What a protobuf route needs to turn payloads into record values. */
export interface RouteCodec extends RecordCodec {
  readonly decoder: MessageDecoder;
}

/** A schema as a topic needs it registered. */
export interface RecordSchema {
  /** Registry subject: `{topic}-{full name}` of a record's schema, the import path of a .proto file. */
  readonly subject: string;
  readonly type: 'AVRO' | 'PROTOBUF';
  /** The schema itself: JSON text, or that of a .proto file. */
  readonly definition: string;
  /** The .proto files that it imports; their subjects are what it calls them. */
  readonly references?: readonly RecordSchema[];
}

/** A schema as a registry holds it. Means the same schema for ever. */
export type RegisteredSchema =
  | {
      readonly registry: 'confluent';
      /** 32 bits, unsigned. */
      readonly id: number;
      readonly uri: string;
    }
  | {
      readonly registry: 'glue';
      /** UUID of the schema's version. */
      readonly id: string;
      readonly uri: string;
    };
