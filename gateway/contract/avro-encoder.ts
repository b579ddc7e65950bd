import type avsc from 'avsc';
import type { Message, MessageEncoder } from '../core/codec.ts';
import { quoted } from '../core/quoted.ts';

/** Encodes messages with avsc, straight into the bytes that it is handed. */
export class AvroEncoder implements MessageEncoder {
  readonly #type: avsc.Type;

  constructor(type: avsc.Type) {
    this.#type = type;
  }

  encode(message: Message, target: Uint8Array, offset: number): number {
    // avsc needs a Buffer for strings. The producer's batches are Buffers; the wrapping is for everybody else.
    const buffer = Buffer.isBuffer(target) ? target : Buffer.from(target.buffer, target.byteOffset, target.byteLength);
    return this.#type.encode(message, buffer, offset);
  }

  defectOf(message: Message): string | undefined {
    let defect: string | undefined;
    const errorHook = (path: string[], value: unknown, type: avsc.Type) => {
      if (defect !== undefined) return;
      const absent = value === null || value === undefined;
      defect = `${path.join('.')} ${absent ? 'is missing' : `${quoted(value)} is no ${type.typeName}`}`;
    };
    return this.#type.isValid(message, { errorHook }) ? undefined : (defect ?? 'the message does not fit its schema');
  }
}
