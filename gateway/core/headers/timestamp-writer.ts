import { writeDigits } from './decimal.ts';

const secondsPerDay = 86_400;
const dash = 0x2d;
const colon = 0x3a;

/** Bytes of `2025-11-21T09:22:33.123Z` and of `2025-11-21T09:22:33.123456Z`. */
export const millisecondsLength = 24;
export const microsecondsLength = 27;

/**
 * Writes times as RFC 3339 (section 5.6) in UTC, years 0 to 9999. Remembers the date of the last day written, because
 * nearly all events of a gateway happen on one day; the rest is a few divisions.
 */
export class TimestampWriter {
  #day = Number.NaN;
  readonly #date = new Uint8Array('2025-11-21T'.length);

  /** Writes `millisecondsLength` bytes. */
  writeMilliseconds(epochMs: number, target: Uint8Array, offset: number): number {
    const seconds = Math.floor(epochMs / 1000);
    return this.#write(seconds, epochMs - seconds * 1000, 3, target, offset);
  }

  /** Writes `microsecondsLength` bytes. */
  writeMicroseconds(epochUs: number, target: Uint8Array, offset: number): number {
    const seconds = Math.floor(epochUs / 1_000_000);
    return this.#write(seconds, epochUs - seconds * 1_000_000, 6, target, offset);
  }

  #write(epochSeconds: number, fraction: number, digits: number, target: Uint8Array, offset: number): number {
    const day = Math.floor(epochSeconds / secondsPerDay);
    if (day !== this.#day) this.#rememberDate(day);
    const date = this.#date;
    for (let i = 0; i < date.length; i++) target[offset + i] = date[i] as number;
    const second = epochSeconds - day * secondsPerDay;
    const hour = (second / 3600) | 0;
    const minute = ((second / 60) | 0) - hour * 60;
    let at = writeDigits(hour, 2, target, offset + date.length);
    target[at++] = colon;
    at = writeDigits(minute, 2, target, at);
    target[at++] = colon;
    at = writeDigits(second - hour * 3600 - minute * 60, 2, target, at);
    target[at++] = 0x2e;
    at = writeDigits(fraction, digits, target, at);
    target[at++] = 0x5a;
    return at;
  }

  /** Days since 1970-01-01 to a date of the proleptic Gregorian calendar; years begin in March, so that leap days end them. */
  #rememberDate(day: number): void {
    const shifted = day + 719_468;
    const era = Math.floor(shifted / 146_097);
    const dayOfEra = shifted - era * 146_097;
    const yearOfEra = Math.floor(
      (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
    );
    const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
    const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
    const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
    const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
    const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
    let at = writeDigits(year, 4, this.#date, 0);
    this.#date[at++] = dash;
    at = writeDigits(month, 2, this.#date, at);
    this.#date[at++] = dash;
    at = writeDigits(dayOfMonth, 2, this.#date, at);
    this.#date[at] = 0x54;
    this.#day = day;
  }
}
