import { CommonHeaders, type RecordOrigin } from '../gateway/core/headers/common-headers.ts';
import { fixedBytes, writeHeader, writeLength, writeOwnHeader } from '../gateway/core/headers/header-writer.ts';
import type { HeaderName } from '../gateway/core/headers/record-headers.ts';
import { headersOf } from '../gateway/record-batch/header-array.ts';
import type { RecordContent } from '../record-log/fingerprint.ts';
import type { LogRecord } from '../record-log/record-batch.ts';

/**
 * What replays note down, in the dead-letter topic itself: letters are never changed, and whoever replays next, from
 * wherever, knows what became of them. The value is JSON; the header `dlq_note` says which kind it is.
 */
export type Note =
  | {
      readonly kind: 'outcome';
      /** `PARTITION:OFFSET` of the letter. */
      readonly letter: string;
      /** How often it has been replayed, this time included. */
      readonly attempt: number;
      readonly outcome: 'accepted' | 'rejected';
      readonly reason?: string;
      readonly message?: string;
    }
  | {
      /** Written before the events of some letters are, so that what a killed replay wrote can be found. */
      readonly kind: 'round';
      readonly state: 'open' | 'closed';
      /** Ends of the topics of events, by topic and partition. */
      readonly ends: Readonly<Record<string, Readonly<Record<string, number>>>>;
    };

/** What is known of a letter from notes. */
export interface LetterState {
  readonly attempts: number;
  readonly accepted: boolean;
  /** Of the last attempt, when it was rejected. */
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

export const untouched: LetterState = { attempts: 0, accepted: false, reason: undefined, message: undefined };

export interface OpenRound {
  readonly atMs: number;
  readonly ends: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const noteHeader = 'dlq_note' satisfies HeaderName;
/** ce_id, dlq_note. */
const ownHeaders = 2;
export const noteType = 'com.mobilitycorp.deadletter.note.v1';

export interface NoteContext extends RecordOrigin {
  readonly deadLetterTopic: string;
  /** Letters are encrypted, and notes are not: these must not quote payloads. Default: false. */
  readonly withholdDetails?: boolean;
}

/**
 * @param key the letter's; of all rounds the same.
 * @param id tells the note from all others of the topic.
 */
export function noteRecord(
  note: Note,
  key: string,
  id: string,
  nowMs: number,
  { source, tenant, deadLetterTopic }: NoteContext,
): RecordContent {
  const encoder = new CommonHeaders({ source, tenant }, { eventType: noteType, contentType: 'application/json' });
  const cause = { receivedAtMs: nowMs, traceparent: undefined, correlationId: undefined, replayAttempt: 0 };
  const subject = key || deadLetterTopic;
  const write = (target: Uint8Array): number => {
    let at = writeLength(encoder.countOf(cause) + ownHeaders, target, 0);
    at = encoder.write(cause, nowMs * 1000, subject, subject, target, at);
    at = writeOwnHeader('ce_id', `${deadLetterTopic}:${id}`, target, at);
    return writeOwnHeader(noteHeader, note.kind, target, at);
  };
  return {
    timestampMs: nowMs,
    key: key === '' ? null : Buffer.from(key),
    value: Buffer.from(JSON.stringify(note)),
    headers: Buffer.from(fixedBytes(write)),
  };
}

/** The header array of a record, its count included. */
export function headerArray(headers: readonly (readonly [key: string, value: Buffer | null])[]): Buffer {
  const parts: Buffer[] = [];
  const head = Buffer.alloc(5);
  parts.push(head.subarray(0, writeLength(headers.length, head, 0)));
  for (const [key, value] of headers) {
    const name = Buffer.alloc(Buffer.byteLength(key) + 5 + 5);
    const end = writeHeader(key, '', name, 0);
    // The last byte is the length of the empty value.
    parts.push(name.subarray(0, end - 1));
    if (value === null) {
      parts.push(Buffer.from([1]));
      continue;
    }
    const length = Buffer.alloc(5);
    parts.push(length.subarray(0, writeLength(value.length, length, 0)), value);
  }
  return Buffer.concat(parts);
}

/** @returns undefined for a record that is no note. */
export function readNote({ headers, value }: LogRecord): Note | undefined {
  if (value === null || !headersOf(headers).some(([key]) => key === noteHeader)) return undefined;
  try {
    return JSON.parse(value.toString()) as Note;
  } catch {
    return undefined;
  }
}

/** Everything that the notes of a topic say. */
export class Notes {
  readonly #letters = new Map<string, LetterState>();
  #round: { readonly state: 'open' | 'closed'; readonly round: OpenRound } | undefined;

  add(note: Note, timestampMs: number): void {
    if (note.kind === 'round') {
      this.#round = { state: note.state, round: { atMs: timestampMs, ends: note.ends } };
      return;
    }
    const { letter, attempt, outcome, reason, message } = note;
    const known = this.#letters.get(letter);
    if (known !== undefined && known.attempts > attempt) return;
    this.#letters.set(letter, { attempts: attempt, accepted: outcome === 'accepted', reason, message });
  }

  of(position: string): LetterState {
    return this.#letters.get(position) ?? untouched;
  }

  /** The round that a replay began and did not end. */
  get openRound(): OpenRound | undefined {
    return this.#round?.state === 'open' ? this.#round.round : undefined;
  }
}
