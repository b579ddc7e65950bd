import type protobuf from 'protobufjs';
import type { Message, MessageDecoder } from '../core/codec.ts';
import type { Rejection } from '../core/outcome.ts';
import { type MessageNaming, nameEnums } from './enum-naming.ts';

/**
 * Decodes payloads with protobufjs. Unknown fields are skipped, so that devices may be newer than the gateway; a known
 * field in another wire type counts as unknown, as the encoding's specification wants it.
 */
export class ProtobufDecoder implements MessageDecoder {
  readonly fields: ReadonlySet<string>;
  readonly eventMessage: string;
  readonly #type: protobuf.Type;
  readonly #items: string | undefined;
  readonly #naming: MessageNaming;

  /**
   * @param type what a payload is.
   * @param event what one event is: `type` itself, or the type of its repeated field `items`.
   * @param naming how the enums of one event are named.
   */
  constructor(type: protobuf.Type, event: protobuf.Type, items: string | undefined, naming: MessageNaming) {
    this.fields = new Set(event.fieldsArray.map((field) => field.name));
    this.eventMessage = event.fullName.replace(/^\./, '');
    this.#type = type;
    this.#items = items;
    this.#naming = naming;
  }

  decode(payload: Uint8Array): readonly Message[] | Rejection {
    let message: Record<string, unknown>;
    try {
      message = this.#type.decode(asBuffer(payload)) as unknown as Record<string, unknown>;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { reason: 'malformed_payload', detail: `not a ${this.#type.name}: ${reason}` };
    }
    const events = this.#items === undefined ? [message] : (message[this.#items] as Record<string, unknown>[]);
    if (this.#naming.length === 0) return events;
    for (let i = 0; i < events.length; i++) {
      const defect = nameEnums(events[i] as Record<string, unknown>, this.#naming);
      if (defect === undefined) continue;
      return { reason: 'invalid_field', detail: events.length === 1 ? defect : `item ${i}: ${defect}` };
    }
    return events;
  }
}

/** protobufjs reads a Buffer faster than a plain Uint8Array; the gateway's payloads are Buffers. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
