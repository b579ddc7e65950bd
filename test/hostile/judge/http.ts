import { flawOfText } from './text.ts';

/** Node ends an answer of its own without a body like this (RFC 9112, section 7.1). */
const endOfChunks = '0\r\n\r\n';
const codes = new Set([100, 200, 400, 404, 405, 408, 413, 414, 415, 417, 431, 503, 505]);
const headerNames = new Set([
  'connection',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'transfer-encoding',
  'allow',
  'vary',
]);
/** Words and short sentences that say which kind of request is refused, and echo at most its own address. */
const members = new Set(['live', 'ready', 'reasons', 'error', 'code', 'message', 'statusCode']);

/** What is wrong with one answer of the listener of health and metrics; undefined: nothing. */
function flawOfAnswer(answer: string, secrets: readonly string[]): string | undefined {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  const [status = '', ...headers] = head.split('\r\n');
  const code = Number(/^HTTP\/1\.1 (\d{3})( [A-Za-z' -]+)?$/.exec(status)?.[1]);
  if (!codes.has(code)) return `answer "${status}"`;
  for (const header of headers) {
    const name = header.slice(0, header.indexOf(':')).toLowerCase();
    if (!headerNames.has(name)) return `header "${header}"`;
  }
  return flawOfBody(rest.join('\r\n\r\n'), secrets);
}

function flawOfBody(body: string, secrets: readonly string[]): string | undefined {
  if (body === '' || body === endOfChunks || body.startsWith('# HELP '))
    return secrets.find((secret) => body.includes(secret));
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch {
    return `body ${JSON.stringify(body)}`;
  }
  if (typeof content !== 'object' || content === null) return `body ${body}`;
  for (const [name, value] of Object.entries(content)) {
    if (!members.has(name)) return `member "${name}"`;
    const flaw = typeof value === 'string' ? flawOfText(value, secrets) : undefined;
    if (flaw !== undefined) return `${flaw} in "${name}": ${value}`;
  }
  return undefined;
}

/** What is wrong with all that a peer of the HTTP listener has received. */
export function flawOfHttp(received: Buffer, secrets: readonly string[] = []): string | undefined {
  const text = received.toString('latin1');
  if (text === '') return undefined;
  for (const answer of text.split(/(?=HTTP\/1\.1 \d{3} )/)) {
    const flaw = flawOfAnswer(answer, secrets);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}
