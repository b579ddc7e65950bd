import type { Random } from '../../../device-simulator/core/random.ts';
import { mutateBytes, pick, randomBytes } from './mutate.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH', 'get', 'G\0T', ''];
const paths = [
  '/livez',
  '/readyz',
  '/metrics',
  '/',
  '*',
  'http://elsewhere.example/metrics',
  '/%',
  '/%00',
  '/%ff%fe',
  '/..%2f..%2fetc%2fpasswd',
  '/../../gateway/main.ts',
  '/metrics?name[]=a&name[]=b',
  '/livez/',
  '/__proto__',
  `/${'a'.repeat(3000)}`,
];
const headers = [
  'Host: 127.0.0.1',
  'Content-Length: 5',
  'Content-Length: 6',
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked, identity',
  'Content-Type: application/json',
  'Content-Type: application/x-unknown',
  'Content-Encoding: gzip',
  'Expect: 100-continue',
  'Upgrade: websocket',
  'Connection: upgrade',
  'Accept: ../../x',
  'Range: bytes=0-18446744073709551615',
  'X-Long: '.padEnd(9000, 'x'),
  ' folded: line',
  'No colon',
  'Null: \0',
  'X: \x7f\xff',
  'X-Forwarded-For: 1.2.3.4',
];
const bodies = ['', 'hello', '{"a":', '5\r\nhello\r\n0\r\n\r\n', 'ffffffffffffffff\r\n', '{"__proto__":1}', '[['];
const otherProtocols = [
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('160301020001000200', 'hex'),
  Buffer.from('GET /\r\n'),
  Buffer.from('\r\n\r\n\r\n'),
  Buffer.from('101000044d515454', 'hex'),
];

/** What somebody sends to the listener of health and metrics: nearly a request, or none at all. */
export function spoiltRequest(random: Random): Buffer {
  if (random.chance(0.05)) return mutateBytes(pick(random, otherProtocols), random);
  const version = random.chance(0.9) ? 'HTTP/1.1' : pick(random, ['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/x', '']);
  const chosen = Array.from({ length: random.integer(6) }, () => pick(random, headers));
  const lines = [`${pick(random, methods)} ${pick(random, paths)} ${version}`, ...chosen, 'Connection: close'];
  const request = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${pick(random, bodies)}`, 'latin1');
  if (random.chance(0.5)) return request;
  return random.chance(0.9) ? mutateBytes(request, random) : Buffer.concat([request, randomBytes(random, 64)]);
}
