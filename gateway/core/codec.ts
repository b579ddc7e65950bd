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

/** Message → body of the record's value. Implemented over avsc in `gateway/contract`. */
export interface MessageEncoder {
  /** Returns the end offset, or a negative number when it does not fit. Throws when `defectOf` finds a defect. */
  encode(message: Message, target: Uint8Array, offset: number): number;
  /** What keeps a message from being encoded, naming the field; undefined when nothing does. Slow and thorough. */
  defectOf(message: Message): string | undefined;
}

/** What a protobuf route needs to turn payloads into record values. */
export interface RouteCodec {
  readonly decoder: MessageDecoder;
  readonly encoder: MessageEncoder;
  /** Id of the record's schema in the registry. */
  readonly schemaId: number;
}

/** An Avro schema as a topic needs it registered. */
export interface RecordSchema {
  /** Registry subject, `{topic}-{record's full name}`. */
  readonly subject: string;
  /** The schema itself, as JSON text. */
  readonly definition: string;
}
