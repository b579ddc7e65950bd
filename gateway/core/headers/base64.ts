const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 (RFC 4648, section 4) with padding; the language has no encoder of its own yet. */
export function base64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const triple = (byteAt(bytes, i) << 16) | (byteAt(bytes, i + 1) << 8) | byteAt(bytes, i + 2);
    text += digit(triple >> 18) + digit(triple >> 12);
    text += left > 1 ? digit(triple >> 6) : '=';
    text += left > 2 ? digit(triple) : '=';
  }
  return text;
}

const byteAt = (bytes: Uint8Array, index: number): number => bytes[index] ?? 0;
const digit = (sextet: number): string => alphabet[sextet & 0x3f] as string;
