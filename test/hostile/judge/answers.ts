/** An answer of HTTP/1.1. */
export interface Answer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

const endOfHead = '\r\n\r\n';
const statusLine = /^HTTP\/1\.1 (\d{3}) [A-Za-z' -]+$/;
/** What a field may hold (RFC 9110, section 5.5), without bytes beyond ASCII. */
const headerLine = /^([A-Za-z-]+): ?([ -~]*)$/;
/** A body of no chunks, as Node ends an answer of its own (RFC 9112, section 7.1). */
const noChunks = '0\r\n\r\n';

/**
 * Reads the answer that begins at `at`, and says where the next one, or another protocol, begins.
 *
 * @throws what is wrong with it.
 */
export function readAnswer(bytes: Buffer, at: number): { readonly answer: Answer; readonly next: number } {
  const headEnd = bytes.indexOf(endOfHead, at);
  if (headEnd < 0) throw new Error(`not an answer: ${JSON.stringify(bytes.toString('latin1', at, at + 60))}`);
  const [first = '', ...lines] = bytes.toString('latin1', at, headEnd).split('\r\n');
  const status = Number(statusLine.exec(first)?.[1]);
  if (Number.isNaN(status)) throw new Error(`answer "${first}"`);
  const headers = readHeaders(lines);
  const from = headEnd + endOfHead.length;
  const length = bodyLength(bytes, from, status, headers);
  if (from + length > bytes.length) throw new Error('the stream ends in the body of an answer');
  const body = headers.has('transfer-encoding') ? Buffer.alloc(0) : bytes.subarray(from, from + length);
  return { answer: { status, headers, body }, next: from + length };
}

function readHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = headerLine.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === '' || headers.has(key)) throw new Error(`header "${line}"`);
    headers.set(key, value);
  }
  return headers;
}

function bodyLength(bytes: Buffer, from: number, status: number, headers: ReadonlyMap<string, string>): number {
  if (status < 200) return 0;
  const isFollowed = from < bytes.length && bytes.toString('latin1', from, from + 7) !== 'HTTP/1.';
  // To HEAD, headers speak of a body that is not there.
  if (!isFollowed) return 0;
  if (!headers.has('transfer-encoding')) return Number(headers.get('content-length') ?? 0);
  if (bytes.toString('latin1', from, from + noChunks.length) !== noChunks) throw new Error('a body in chunks');
  return noChunks.length;
}
