import { writeDigits } from './decimal.ts';

const secondsPerDay = 86_400;
/** Where the digits of the fraction begin. */
const fractionAt = 20;

/** Bytes of `2025-11-21T09:22:33.123Z` and of `2025-11-21T09:22:33.123456Z`. */
export const millisecondsLength = 24;
export const microsecondsLength = 27;

/**
 * Writes times as RFC 3339 (section 5.6) in UTC, years 0 to 9999. Remembers what it wrote last: the events of a gateway
 * come in the order of time, thousands in a second and dozens in a millisecond.
 */
export class TimestampWriter {
  #day = Number.NaN;
  #second = Number.NaN;
  #fraction = Number.NaN;
  #fractionDigits = 0;
  readonly #text = new Uint8Array(Array.from('0000-00-00T00:00:00.000000Z', (char) => char.charCodeAt(0)));

  /** Writes `millisecondsLength` bytes. */
  writeMilliseconds(epochMs: number, target: Uint8Array, offset: number): number {
    const second = Math.floor(epochMs / 1000);
    return this.#write(second, Math.floor(epochMs - second * 1000), 3, target, offset);
  }

  /** Writes `microsecondsLength` bytes. */
  writeMicroseconds(epochUs: number, target: Uint8Array, offset: number): number {
    const second = Math.floor(epochUs / 1_000_000);
    return this.#write(second, Math.floor(epochUs - second * 1_000_000), 6, target, offset);
  }

  #write(second: number, fraction: number, digits: number, target: Uint8Array, offset: number): number {
    if (second !== this.#second) this.#rememberSecond(second);
    if (fraction !== this.#fraction || digits !== this.#fractionDigits) this.#rememberFraction(fraction, digits);
    const text = this.#text;
    const length = fractionAt + digits + 1;
    for (let i = 0; i < length; i++) target[offset + i] = text[i] as number;
    return offset + length;
  }

  #rememberFraction(fraction: number, digits: number): void {
    this.#text[writeDigits(fraction, digits, this.#text, fractionAt)] = 0x5a;
    this.#fraction = fraction;
    this.#fractionDigits = digits;
  }

  #rememberSecond(second: number): void {
    const day = Math.floor(second / secondsPerDay);
    if (day !== this.#day) this.#rememberDay(day);
    const secondOfDay = second - day * secondsPerDay;
    writeDigits(Math.floor(secondOfDay / 3600), 2, this.#text, 11);
    writeDigits(Math.floor(secondOfDay / 60) % 60, 2, this.#text, 14);
    writeDigits(secondOfDay % 60, 2, this.#text, 17);
    this.#second = second;
  }

  /** Days since 1970-01-01 to a date of the Gregorian calendar; years begin in March, so that leap days end them. */
  #rememberDay(day: number): void {
    const shifted = day + 719_468;
    const era = Math.floor(shifted / 146_097);
    const dayOfEra = shifted - era * 146_097;
    const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
    const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
    const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
    const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
    const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
    const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
    writeDigits(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), 4, this.#text, 0);
    writeDigits(month, 2, this.#text, 5);
    writeDigits(dayOfMonth, 2, this.#text, 8);
    this.#day = day;
  }
}
