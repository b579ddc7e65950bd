const bytesPerLine = 16;

/** Bytes as people read them: offset, hexadecimal, and what is printable in ASCII. */
export function* hexDump(bytes: Buffer): Generator<string> {
  for (let at = 0; at < bytes.length; at += bytesPerLine) {
    const line = bytes.subarray(at, at + bytesPerLine);
    const hex = Array.from(line, (byte) => byte.toString(16).padStart(2, '0'));
    const left = hex.slice(0, 8).join(' ').padEnd(23);
    const right = hex.slice(8).join(' ').padEnd(23);
    const ascii = Array.from(line, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    yield `${at.toString(16).padStart(8, '0')}  ${left}  ${right}  |${ascii}|`;
  }
}
