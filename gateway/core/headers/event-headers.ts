import type { DeviceEvent } from '../event.ts';
import { digitCount, writeDecimal, writeDigits } from './decimal.ts';
import { fixedBytes, writeLength, writeText } from './header-writer.ts';
import { utf8Length, writeUtf8 } from './utf8.ts';

const colon = 0x3a;
const hyphen = 0x2d;
/** Digits of 2^32-1 and of 2^53-2. */
const bootIdDigits = 10;
const sequenceDigits = 16;

const idKey = fixedBytes((target) => writeText('ce_id', target, 0));
const sequenceKey = fixedBytes((target) =>
  writeLength(bootIdDigits + 1 + sequenceDigits, target, writeText('ce_sequence', target, 0)),
);

/**
 * Writes `ce_id`: `{deviceId}:{bootId}:{sequence}`, or `{deviceId}:{digest}` where the payload has neither; the same
 * publish sent again yields the same id.
 */
export function writeEventId(event: DeviceEvent, target: Uint8Array, offset: number): number {
  const { deviceId } = event.publish.identity;
  const { bootId, sequence } = event;
  const start = copy(idKey, target, offset);
  if (sequence < 0) return writeText(`${deviceId}:${event.digest}`, target, start);
  const length = utf8Length(deviceId) + digitCount(bootId) + digitCount(sequence) + 2;
  let at = writeUtf8(deviceId, target, writeLength(length, target, start));
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
export function writeEventSequence(event: DeviceEvent, target: Uint8Array, offset: number): number {
  let at = writeDigits(event.bootId, bootIdDigits, target, copy(sequenceKey, target, offset));
  target[at++] = hyphen;
  return writeDigits(event.sequence, sequenceDigits, target, at);
}

/** A loop, because `set` costs more than these few bytes. */
function copy(bytes: Uint8Array, target: Uint8Array, offset: number): number {
  for (let i = 0; i < bytes.length; i++) target[offset + i] = bytes[i] as number;
  return offset + bytes.length;
}
