import type { Message } from '../codec.ts';
import type { Rejection } from '../outcome.ts';
import type { Passage } from '../passage.ts';
import { fieldDefect } from '../validation/field-rules.ts';

/** Checks every message of the publish: identity, envelope, clock, then its fields. One bad item rejects its batch. */
export function validate(passage: Passage): Rejection | undefined {
  const { messages } = passage;
  for (let i = 0; i < messages.length; i++) {
    const rejection = validateMessage(passage, messages[i] as Message);
    if (rejection === undefined) continue;
    return messages.length === 1 ? rejection : { ...rejection, detail: `item ${i}: ${rejection.detail}` };
  }
  return undefined;
}

function validateMessage(passage: Passage, message: Message): Rejection | undefined {
  const { route, publish, plan, subject } = passage;
  const rejection = route.envelope.check(message, subject, publish.receivedAtMs, plan.clock);
  if (rejection !== undefined || route.rules === undefined) return rejection;
  return fieldDefect(message, route.rules);
}
