import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digitCount, writeDecimal } from '../../../../gateway/core/headers/decimal.ts';
import {
  fitted,
  fixedBytes,
  writeHeader,
  writeLength,
  writeText,
} from '../../../../gateway/core/headers/header-writer.ts';
import { TimestampWriter } from '../../../../gateway/core/headers/timestamp-writer.ts';
import { truncateUtf8, utf8Length, writeUtf8 } from '../../../../gateway/core/headers/utf8.ts';
import { readHeaders } from '../fixture.ts';

const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }));
/** Also lone surrogates, which `string` can hold and UTF-8 can't. */
const codeUnits = fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units));

describe('UTF-8', () => {
  it('is written as Buffer writes it', () => {
    fc.assert(
      fc.property(fc.oneof(text, codeUnits), fc.nat(5), (value, offset) => {
        const expected = Buffer.from(value);
        const target = Buffer.alloc(offset + expected.length);
        expect(utf8Length(value)).toBe(expected.length);
        expect(writeUtf8(value, target, offset)).toBe(target.length);
        expect(target.subarray(offset)).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('is cut between characters, as late as possible', () => {
    fc.assert(
      fc.property(text, fc.nat(30), (value, maxBytes) => {
        const cut = truncateUtf8(value, maxBytes);
        expect(value.startsWith(cut)).toBe(true);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(maxBytes);
        const next = value.codePointAt(cut.length);
        if (next === undefined) return;
        expect(Buffer.byteLength(cut + String.fromCodePoint(next))).toBeGreaterThan(maxBytes);
      }),
    );
  });
});

describe('headers', () => {
  it('are read back by an independent reader', () => {
    fc.assert(
      fc.property(fc.dictionary(text, text, { maxKeys: 20 }), (headers) => {
        const entries = Object.entries(headers);
        const bytes = fixedBytes((target) =>
          entries.reduce(
            (at, [key, value]) => writeHeader(key, value, target, at),
            writeLength(entries.length, target, 0),
          ),
        );
        expect(readHeaders(Buffer.from(bytes))).toEqual({ ...headers });
      }),
    );
  });

  it('that do not fit end past the end of their target, wherever that is', () => {
    fc.assert(
      fc.property(text, text, (key, value) => {
        const needed = writeHeader(key, value, new Uint8Array(100_000), 0);
        for (let size = 0; size < needed; size++) {
          const target = new Uint8Array(size);
          expect(fitted(writeHeader(key, value, target, 0), target)).toBeLessThan(0);
        }
        const target = new Uint8Array(needed);
        expect(fitted(writeHeader(key, value, target, 0), target)).toBe(needed);
      }),
      { numRuns: 50 },
    );
  });

  it.each([0, 63, 64, 8191, 8192, 100_000])('have lengths as zigzag varints: %i', (length) => {
    const target = Buffer.alloc(length + 10);
    const end = writeText('x'.repeat(length), target, 0);
    expect(end - length).toBe(length < 64 ? 1 : length < 8192 ? 2 : 3);
  });
});

describe('integers', () => {
  it('are written digit by digit', () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeNat(), fc.nat(10_000)), (value) => {
        const target = Buffer.alloc(20);
        expect(target.toString('latin1', 0, writeDecimal(value, target, 0))).toBe(String(value));
        expect(digitCount(value)).toBe(String(value).length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('times', () => {
  it('are written as Date writes them, in any order', () => {
    const times = new TimestampWriter();
    const target = Buffer.alloc(30);
    const date = fc.date({
      noInvalidDate: true,
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
    });
    fc.assert(
      fc.property(fc.array(date, { minLength: 1 }), (dates) => {
        for (const each of dates) {
          const end = times.writeMilliseconds(each.getTime(), target, 3);
          expect(target.toString('latin1', 3, end)).toBe(each.toISOString());
        }
      }),
    );
  });

  it('are written to the microsecond', () => {
    const target = Buffer.alloc(30);
    const written = (us: number) => {
      const times = new TimestampWriter();
      return target.toString('latin1', 0, times.writeMicroseconds(us, target, 0));
    };
    expect(written(1)).toBe('1970-01-01T00:00:00.000001Z');
    expect(written(951_782_399_999_999)).toBe('2000-02-28T23:59:59.999999Z');
    expect(written(951_782_400_000_000)).toBe('2000-02-29T00:00:00.000000Z');
    expect(written(-1)).toBe('1969-12-31T23:59:59.999999Z');
  });
});
