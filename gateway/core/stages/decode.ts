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
  if (decoded.length > passage.plan.maxBatchItems) return tooManyItems(decoded.length, passage.plan.maxBatchItems);
  passage.messages = decoded;
  return undefined;
}

const emptyBatch: Rejection = Object.freeze({ reason: 'invalid_field', detail: 'the batch has no items' });

function tooManyItems(items: number, allowed: number): Rejection {
  return { reason: 'too_large', detail: `the batch has ${items} items; at most ${allowed} are taken in one message` };
}

function isMessages(decoded: readonly Message[] | Rejection): decoded is readonly Message[] {
  return Array.isArray(decoded);
}
