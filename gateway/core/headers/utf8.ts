/**
 * UTF-8 without TextEncoder, which is not part of the language and would cost an array per call.
 *
 * Writers of this folder may be handed an offset or a text that runs past the end of `target`: a typed array ignores
 * writes out of its bounds, and the returned end offset, then larger than `target.length`, tells the caller.
 */

/** Bytes that `text` takes in UTF-8. A lone surrogate counts as U+FFFD. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) length += 1;
    else if (isPairAt(text, i)) {
      length += 2;
      i++;
    } else length += 2;
  }
  return length;
}

/** Writes `text` in UTF-8. Returns the end offset. */
export function writeUtf8(text: string, target: Uint8Array, offset: number): number {
  let at = offset;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      target[at++] = unit;
    } else {
      at = writeCodePoint(codePointAt(text, i), target, at);
      if (isPairAt(text, i)) i++;
    }
  }
  return at;
}

/** The longest beginning of `text` that takes at most `maxBytes` in UTF-8; never cuts a character in two. */
export function truncateUtf8(text: string, maxBytes: number): string {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const pair = isPairAt(text, i);
    const unit = text.charCodeAt(i);
    bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : pair ? 4 : 3;
    if (bytes > maxBytes) return text.slice(0, i);
    if (pair) i++;
  }
  return text;
}

/** Whether a surrogate pair, one character beyond the Basic Multilingual Plane, starts at `index`. */
function isPairAt(text: string, index: number): boolean {
  const high = text.charCodeAt(index);
  if (high < 0xd800 || high > 0xdbff) return false;
  const low = text.charCodeAt(index + 1);
  return low >= 0xdc00 && low <= 0xdfff;
}

function codePointAt(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  if (!isPairAt(text, index)) return 0xfffd;
  return 0x10000 + ((unit - 0xd800) << 10) + (text.charCodeAt(index + 1) - 0xdc00);
}

function writeCodePoint(point: number, target: Uint8Array, offset: number): number {
  let at = offset;
  if (point < 0x800) {
    target[at++] = 0xc0 | (point >> 6);
  } else if (point < 0x10000) {
    target[at++] = 0xe0 | (point >> 12);
    target[at++] = 0x80 | ((point >> 6) & 0x3f);
  } else {
    target[at++] = 0xf0 | (point >> 18);
    target[at++] = 0x80 | ((point >> 12) & 0x3f);
    target[at++] = 0x80 | ((point >> 6) & 0x3f);
  }
  target[at++] = 0x80 | (point & 0x3f);
  return at;
}
