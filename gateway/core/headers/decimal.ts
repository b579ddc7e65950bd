/** Decimal digits of an integer below 2^53, written without making a string. */

export function digitCount(value: number): number {
  let count = 1;
  for (let limit = 10; value >= limit; limit *= 10) count++;
  return count;
}

/** Writes all digits of `value`. Returns the end offset. */
export function writeDecimal(value: number, target: Uint8Array, offset: number): number {
  const end = offset + digitCount(value);
  writeDigits(value, end - offset, target, offset);
  return end;
}

/** Writes exactly `count` digits, with leading zeros. Returns the end offset. */
export function writeDigits(value: number, count: number, target: Uint8Array, offset: number): number {
  let at = offset + count - 1;
  let rest = value;
  for (; rest > largestInt32 && at >= offset; at--) {
    const quotient = Math.floor(rest / 10);
    // The brackets keep the sum below 2^53.
    target[at] = 0x30 + (rest - quotient * 10);
    rest = quotient;
  }
  // Nearly all numbers are small, and integer arithmetic takes a quarter of the time of floating point.
  let small = rest | 0;
  for (; small > 0 && at >= offset; at--) {
    const quotient = (small / 10) | 0;
    target[at] = 0x30 + (small - quotient * 10);
    small = quotient;
  }
  for (; at >= offset; at--) target[at] = 0x30;
  return offset + count;
}

const largestInt32 = 0x7fffffff;
