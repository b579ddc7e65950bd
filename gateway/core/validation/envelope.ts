import type { Message } from '../codec.ts';
import type { Rejection } from '../outcome.ts';
import { quoted } from '../quoted.ts';
import type { EventClock } from './event-clock.ts';
import { invalidField } from './invalid-field.ts';

const maxBootId = 2 ** 32 - 1;
/** avsc, in readers as in the encoder, takes 2^53-1 for a number that may have lost digits. */
const maxSequence = 2 ** 53 - 2;

/**
 * The fields that every message of ours carries, found by name, so that messages which an operator adds get the same
 * checks: a field with the name of the route's subject (`vehicle_id` for {vehicleId}) must equal the topic's level;
 * `boot_id` and `sequence`, when it has both, are required and name the event; `event_time_us` is required and becomes
 * the record's timestamp (see `event-clock.ts`). What a message lacks is not checked.
 */
export class Envelope {
  /** Whether the message has boot id and sequence. */
  readonly identifies: boolean;
  /** Whether the message has an event time. */
  readonly timed: boolean;
  readonly #idField: string | undefined;

  constructor(subject: string, fields: ReadonlySet<string>) {
    this.identifies = fields.has('bootId') && fields.has('sequence');
    this.timed = fields.has('eventTimeUs');
    this.#idField = fields.has(subject) ? subject : undefined;
  }

  check(message: Message, subject: string, receivedAtMs: number, clock: EventClock): Rejection | undefined {
    if (this.#idField !== undefined && message[this.#idField] !== subject) {
      return wrongId(this.#idField, message[this.#idField], subject);
    }
    if (this.identifies) {
      const rejection =
        integerDefect('bootId', message.bootId, maxBootId) ?? integerDefect('sequence', message.sequence, maxSequence);
      if (rejection !== undefined) return rejection;
    }
    return this.timed ? clock.defectOf(message.eventTimeUs, receivedAtMs) : undefined;
  }
}

function wrongId(field: string, value: unknown, subject: string): Rejection {
  if (value === '' || value === null || value === undefined) return invalidField(field, 'is missing');
  const detail = `${field} ${quoted(value)} is not ${quoted(subject)} of the topic`;
  return { reason: 'wrong_identity', field, detail };
}

function integerDefect(field: string, value: unknown, max: number): Rejection | undefined {
  if (typeof value === 'number' && value >= 0 && value <= max && Number.isInteger(value)) return undefined;
  if (value === null || value === undefined) return invalidField(field, 'is missing');
  return invalidField(field, `${quoted(value)} is not an integer from 0 to ${max}`);
}
