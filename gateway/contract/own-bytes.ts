import protobuf from 'protobufjs';
import type { Message, MessageEncoder } from '../core/codec.ts';

/** Where the decoder leaves, in a message, the bytes that it was decoded from; not one of its fields. */
const ownBytes = Symbol('own bytes');

type WithOwnBytes = Record<string | symbol, unknown>;

export function keepOwnBytes(message: Record<string, unknown>, bytes: Uint8Array): void {
  (message as WithOwnBytes)[ownBytes] = bytes;
}

/**
 * The bytes of each message in a repeated field, in their order, as views into `payload`. It goes through the fields of
 * the payload by the same reader as decoding does, so that both see the same messages.
 *
 * @throws what the reader throws on bytes that are no Protobuf.
 */
export function sliceItems(payload: Uint8Array, fieldNumber: number): Uint8Array[] {
  const slices: Uint8Array[] = [];
  const reader = protobuf.Reader.create(payload);
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((fieldNumber << 3) | lengthDelimited) >>> 0) {
      const length = reader.size();
      slices.push(payload.subarray(reader.pos, reader.pos + length));
      reader.skip(length);
    } else {
      reader.skipType(tag & 7, 0, tag >>> 3);
    }
  }
  return slices;
}

/** Wire type of strings, bytes and messages. */
const lengthDelimited = 2;

/** Writes the device's own bytes, unchanged, as the body. */
export const ownBytesEncoder: MessageEncoder = {
  encode(message: Message, target: Uint8Array, offset: number): number {
    const bytes = (message as WithOwnBytes)[ownBytes] as Uint8Array;
    const end = offset + bytes.length;
    if (end > target.length) return -1;
    target.set(bytes, offset);
    return end;
  },
  defectOf: () => undefined,
};
