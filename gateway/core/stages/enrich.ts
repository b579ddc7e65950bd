import type { Message } from '../codec.ts';
import { digest } from '../digest.ts';
import type { Rejection } from '../outcome.ts';
import type { Passage } from '../passage.ts';
import { TrackedEvent } from '../tracked-event.ts';

/** Gives each message what its record needs beside the payload: key, time and what identifies the event. */
export function enrich(passage: Passage): Rejection | undefined {
  const { messages, route } = passage;
  const events: TrackedEvent[] = [];
  const named = route.envelope.identifies;
  const fingerprint = named ? '' : digest(passage.publish.topic, passage.publish.payload);
  // A raw payload is one event without a message.
  const count = route.codec === undefined ? 1 : messages.length;
  for (let i = 0; i < count; i++) {
    const message = messages[i];
    const key = route.route.key.of(message, passage.levels);
    if (key === '') return missingKey(passage);
    events.push(toEvent(passage, message, key, count === 1 || named ? fingerprint : `${fingerprint}:${i}`));
  }
  passage.events = events;
  return undefined;
}

function toEvent(passage: Passage, message: Message | undefined, key: string, fingerprint: string): TrackedEvent {
  const { publish, plan, route, subject } = passage;
  const { identifies, timed } = route.envelope;
  const timeUs = timed
    ? plan.clock.timeUsOf(message?.eventTimeUs as number, publish.receivedAtMs)
    : publish.receivedAtMs * 1000;
  const bootId = identifies ? (message?.bootId as number) : -1;
  const sequence = identifies ? (message?.sequence as number) : -1;
  return new TrackedEvent(publish, subject, key, timeUs, bootId, sequence, fingerprint, message);
}

function missingKey(passage: Passage): Rejection {
  return {
    reason: 'invalid_field',
    detail: `none of the fields of the key ${passage.route.route.settings.key} is there`,
  };
}
