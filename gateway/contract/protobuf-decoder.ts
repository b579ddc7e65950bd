import type protobuf from 'protobufjs';
import type { Message, MessageDecoder } from '../core/codec.ts';
import type { Rejection } from '../core/outcome.ts';
import { type MessageNaming, nameEnums } from './enum-naming.ts';
import { keepOwnBytes, sliceItems } from './own-bytes.ts';

export interface DecoderOptions {
  /** What a payload is. */
  readonly type: protobuf.Type;
  /** The repeated field that holds the events, when a payload is a batch. */
  readonly items: protobuf.Field | undefined;
  /** What one event is: `type` itself, or that of the items. */
  readonly event: protobuf.Type;
  /** How the enums of one event are named. */
  readonly naming: MessageNaming;
  /** Whether each message keeps the bytes that it was decoded from, for `ownBytesEncoder`. */
  readonly keepsBytes: boolean;
}

/**
 * Decodes payloads with protobufjs. Unknown fields are skipped, so that devices may be newer than the gateway; a known
 * field in another wire type counts as unknown, as the encoding's specification wants it.
 */
export class ProtobufDecoder implements MessageDecoder {
  readonly fields: ReadonlySet<string>;
  readonly eventMessage: string;
  readonly #type: protobuf.Type;
  readonly #items: protobuf.Field | undefined;
  readonly #naming: MessageNaming;
  readonly #keepsBytes: boolean;

  constructor({ type, items, event, naming, keepsBytes }: DecoderOptions) {
    this.fields = new Set(event.fieldsArray.map((field) => field.name));
    this.eventMessage = event.fullName.replace(/^\./, '');
    this.#type = type;
    this.#items = items;
    this.#naming = naming;
    this.#keepsBytes = keepsBytes;
  }

  decode(payload: Uint8Array): readonly Message[] | Rejection {
    let events: Record<string, unknown>[];
    try {
      events = this.#decode(asBuffer(payload));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { reason: 'malformed_payload', detail: `not a ${this.#type.name}: ${reason}` };
    }
    if (this.#naming.length === 0) return events;
    for (let i = 0; i < events.length; i++) {
      const defect = nameEnums(events[i] as Record<string, unknown>, this.#naming);
      if (defect === undefined) continue;
      return { reason: 'invalid_field', detail: events.length === 1 ? defect : `item ${i}: ${defect}` };
    }
    return events;
  }

  #decode(payload: Buffer): Record<string, unknown>[] {
    const message = this.#type.decode(payload) as unknown as Record<string, unknown>;
    const items = this.#items;
    const events = items === undefined ? [message] : (message[items.name] as Record<string, unknown>[]);
    if (!this.#keepsBytes) return events;
    const slices = items === undefined ? [payload] : sliceItems(payload, items.id);
    // Never seen; but bytes of one item under the identity of another would be worse than a refusal.
    if (slices.length !== events.length) throw new Error(`${slices.length} items were found, ${events.length} decoded`);
    for (let i = 0; i < events.length; i++) keepOwnBytes(events[i] as Record<string, unknown>, slices[i] as Uint8Array);
    return events;
  }
}

/** protobufjs reads a Buffer faster than a plain Uint8Array; the gateway's payloads are Buffers. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
