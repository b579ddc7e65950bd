import type { DeviceEvent } from '../event.ts';
import { eventId } from '../event-id.ts';
import type { ClampDirection } from '../validation/event-clock.ts';
import { CommonHeaders, type RecordKind, type RecordOrigin } from './common-headers.ts';
import { digitCount, writeDecimal, writeDigits } from './decimal.ts';
import {
  fitted,
  fixedBytes,
  writeBytes,
  writeLength,
  writeOwnHeader,
  writeOwnKey,
  writeText,
} from './header-writer.ts';
import { utf8Length, writeUtf8 } from './utf8.ts';

export const rawContentType = 'application/octet-stream';

const colon = 0x3a;
const slash = 0x2f;
const hyphen = 0x2d;
/** Digits of 2^32-1 and of 2^53-2. */
const bootIdDigits = 10;
const sequenceDigits = 16;

const idKey = fixedBytes((target) => writeOwnKey('ce_id', target, 0));
const sequenceKey = fixedBytes((target) =>
  writeLength(bootIdDigits + 1 + sequenceDigits, target, writeOwnKey('ce_sequence', target, 0)),
);

/**
 * The header array of an event's record: what all records share, `ce_id`, `ce_sequence` where there is one,
 * `ce_timeclamped` where the device's time was not used, and on which side it lay.
 */
export class EventHeaders {
  readonly #common: CommonHeaders;
  readonly #hasOwnContentType: boolean;

  /** Without a content type in `kind`, each record has that of its publish. */
  constructor(origin: RecordOrigin, kind: RecordKind) {
    this.#common = new CommonHeaders(origin, kind);
    this.#hasOwnContentType = kind.contentType === undefined;
  }

  /** Returns the end offset, or a negative number when it does not fit. */
  write(event: DeviceEvent, target: Uint8Array, offset: number): number {
    const { publish } = event;
    const common = this.#common;
    const isSequenced = event.sequence >= 0;
    const isTyped = this.#hasOwnContentType;
    const clamped = clampDirection(event);
    const own = 1 + (isSequenced ? 1 : 0) + (isTyped ? 1 : 0) + (clamped === undefined ? 0 : 1);
    let at = writeLength(common.countOf(publish) + own, target, offset);
    at = isSequenced ? this.#writeSequenced(event, target, at) : this.#writeUnsequenced(event, target, at);
    at = common.writeRare(publish, target, at);
    if (clamped !== undefined) at = writeOwnHeader('ce_timeclamped', clamped, target, at);
    if (isTyped) at = writeOwnHeader('content-type', publish.contentType || rawContentType, target, at);
    return fitted(at, target);
  }

  /** What every event of a device has; from one to the next, only times and sequence change. */
  #writeSequenced(event: DeviceEvent, target: Uint8Array, offset: number): number {
    const { publish, timeUs, sequence } = event;
    const template = publish.recall?.headers;
    if (template?.isOf(this, event)) {
      const end = template.copy(sequence, target, offset);
      if (end <= target.length) this.#common.rewriteTimes(publish, timeUs, target, offset);
      return end;
    }
    const common = this.#common.writeUsual(publish, timeUs, event.subject, event.key, target, offset);
    const idEnd = writeEventId(event, target, common);
    const end = writeEventSequence(event, target, idEnd);
    if (end <= target.length) template?.learn(this, event, target, offset, idEnd, end);
    return end;
  }

  #writeUnsequenced(event: DeviceEvent, target: Uint8Array, offset: number): number {
    const { publish, timeUs, subject, key } = event;
    const at = this.#common.writeUsual(publish, timeUs, subject, key, target, offset);
    return writeText(eventId(event), target, writeBytes(idKey, target, at));
  }
}

/** Where the time of the device lay, when it is not that of the event. */
export function clampDirection({ message, timeUs }: DeviceEvent): ClampDirection | undefined {
  const deviceTimeUs = message?.eventTimeUs;
  if (typeof deviceTimeUs !== 'number' || deviceTimeUs === timeUs) return undefined;
  return deviceTimeUs > timeUs ? 'future' : 'past';
}

/** Writes `ce_id` of an event that has a boot id and a sequence, as `eventId` makes it, without a text for it. */
function writeEventId(event: DeviceEvent, target: Uint8Array, offset: number): number {
  const { deviceId, kind } = event.publish.identity;
  const { bootId, sequence, subject } = event;
  const start = writeBytes(idKey, target, offset);
  const isAnonymous = kind === 'anonymous';
  const subjectLength = isAnonymous ? 1 + utf8Length(subject) : 0;
  const length = utf8Length(deviceId) + subjectLength + digitCount(bootId) + digitCount(sequence) + 2;
  let at = writeUtf8(deviceId, target, writeLength(length, target, start));
  if (isAnonymous) {
    target[at++] = slash;
    at = writeUtf8(subject, target, at);
  }
  target[at++] = colon;
  at = writeDecimal(bootId, target, at);
  target[at++] = colon;
  return writeDecimal(sequence, target, at);
}

/**
 * Writes `ce_sequence` of an event that has a boot id and a sequence: `{bootId}-{sequence}` with leading zeros, 10 and 16
 * digits, so that texts sort as the numbers do (Sequence extension: "lexicographically-orderable"). Boot ids are drawn at
 * random: the order is that of the device's events within one boot id, and means nothing across two.
 */
function writeEventSequence(event: DeviceEvent, target: Uint8Array, offset: number): number {
  let at = writeDigits(event.bootId, bootIdDigits, target, writeBytes(sequenceKey, target, offset));
  target[at++] = hyphen;
  return writeDigits(event.sequence, sequenceDigits, target, at);
}

/** The value of `ce_sequence` as text. */
export function eventSequence({ bootId, sequence }: DeviceEvent): string {
  return `${String(bootId).padStart(bootIdDigits, '0')}-${String(sequence).padStart(sequenceDigits, '0')}`;
}
