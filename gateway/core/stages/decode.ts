import type { Message } from '../codec.ts';
import type { Rejection } from '../outcome.ts';
import type { Passage } from '../passage.ts';

/** Turns the payload into messages; leaves a raw payload alone. */
export function decode(passage: Passage): Rejection | undefined {
  const { codec } = passage.route;
  if (codec === undefined) return undefined;
  const decoded = codec.decoder.decode(passage.publish.payload);
  if (!isMessages(decoded)) return decoded;
  if (decoded.length === 0) return emptyBatch;
  passage.messages = decoded;
  return undefined;
}

const emptyBatch: Rejection = Object.freeze({ reason: 'invalid_field', detail: 'the batch has no items' });

function isMessages(decoded: readonly Message[] | Rejection): decoded is readonly Message[] {
  return Array.isArray(decoded);
}
