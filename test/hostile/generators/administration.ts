import type { Random } from '../../../device-simulator/core/random.ts';
import type { AdministrationTokens } from '../administration-tokens.ts';
import { importBody } from './imports.ts';
import { spoiltMembers } from './json.ts';
import { mutateBytes, pick } from './mutate.ts';

export interface AdministrationScene {
  readonly tokens: AdministrationTokens;
  /** Ids of devices that may be changed. */
  readonly victim: (index: number) => string;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly type?: string;
  readonly body?: string | Buffer;
}

const json = 'application/json';
const sessions = ['c2Vzc2lvbi0x', 'AA', '_-_', 'x'.repeat(1_025), 'ZGV2LWhvbmVzdA'];

const create = (victim: string): Request => ({
  method: 'POST',
  path: '/v1/devices',
  type: json,
  body: JSON.stringify({ deviceId: victim, kind: 'vehicle', boundTo: 'veh-victim', enabled: true, groups: ['g'] }),
});

/** Requests that are right, to every path of the API. The log level is one at which defects are still seen. */
const operations: readonly ((victim: string, random: Random) => Request)[] = [
  () => ({ method: 'GET', path: '/openapi.json' }),
  () => ({ method: 'GET', path: '/v1/configuration' }),
  () => ({ method: 'GET', path: '/v1/log-level' }),
  (_victim, random) => ({
    method: 'PUT',
    path: '/v1/log-level',
    type: json,
    body: JSON.stringify({ level: pick(random, ['debug', 'info']), forSeconds: 1 + random.integer(100) }),
  }),
  (victim, random) => ({ method: 'GET', path: `/v1/devices?limit=${1 + random.integer(50)}&cursor=${victim}` }),
  (_victim, random) => ({ method: 'GET', path: `/v1/devices?kind=vehicle&enabled=${random.chance(0.5)}` }),
  (victim) => ({ method: 'GET', path: `/v1/devices/${victim}` }),
  create,
  create,
  create,
  (victim, random) => ({
    method: 'PATCH',
    path: `/v1/devices/${victim}`,
    type: json,
    body: JSON.stringify({ enabled: random.chance(0.5) }),
  }),
  (victim) => ({ method: 'POST', path: `/v1/devices/${victim}/secret` }),
  (victim) => ({ method: 'DELETE', path: `/v1/devices/${victim}` }),
  (_victim, random) => ({ method: 'GET', path: `/v1/sessions?limit=${1 + random.integer(50)}` }),
  (_victim, random) => ({ method: 'GET', path: `/v1/sessions/${pick(random, sessions)}` }),
  (_victim, random) => ({ method: 'POST', path: `/v1/sessions/${pick(random, sessions)}/disconnect` }),
  (victim, random) => ({ method: 'POST', path: '/v1/device-imports', ...importBody(victim, random) }),
  (victim, random) => ({ method: 'POST', path: '/v1/device-imports', ...importBody(victim, random) }),
];

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PURGE', 'get', ''];
const prefixes = ['/v1/devices', '/v1/sessions', '/v1/log-level', '/v1/device-imports', '/v1/configuration', ''];
const suffixes = [
  ...[
    '/',
    '//',
    '/.',
    '/..',
    '/../../etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/%2e%2e',
    '/%00',
    '/%zz',
    '/%',
    '/%ff%fe',
  ],
  ...['/dev-1%0d%0aSet-Cookie:%20a=b', '/%0a%7b%22seq%22:1%7d', '/dev%201', '/__proto__', '/constructor', '/a/b/c'],
  ...[';a=b', '#x', '/\x85\x9b2K', '/\xe2\x80\xa8', "/'%20OR%201=1", `/${'d'.repeat(300)}`, `/${'d'.repeat(5_000)}`],
  `/${'a'.repeat(9_000)}`,
];
const queries = [
  ...[
    'limit=0',
    'limit=1001',
    'limit=-1',
    'limit=1e3',
    'limit=1.5',
    'limit=%31',
    'limit=1&limit=2',
    'limit[]=1',
    'limit=',
  ],
  ...[
    `limit=${'9'.repeat(400)}`,
    'cursor=',
    'cursor=%00',
    'cursor=../../x',
    'cursor=%27%20OR%201=1',
    'cursor=%0d%0aX:1',
  ],
  ...[`cursor=${'a'.repeat(2_000)}`, 'kind=tram', 'kind=vehicle&kind=bay', 'enabled=1', 'enabled=TRUE', 'deviceId=a/b'],
  ...[
    'color=red',
    '__proto__=1',
    '__proto__[x]=1',
    'constructor=1',
    'toString=1',
    '%',
    '%zz=1',
    'a=%ff%fe',
    '&&&=&=',
    '?',
  ],
];
const otherHeaders = [
  ...['Content-Type: text/plain', 'Content-Type: text/csv', 'Content-Type: multipart/form-data; boundary=x'],
  ...[
    'Content-Type: application/json; charset=utf-16',
    'Content-Type: \xff',
    `Content-Type: application/${'x'.repeat(3_000)}`,
  ],
  ...['Content-Length: 5', 'Content-Length: -1', 'Content-Length: 99999999999999999999', 'Content-Encoding: gzip'],
  ...['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip, chunked', 'Expect: 100-continue', 'Expect: miracles'],
  ...['Connection: upgrade', 'Upgrade: websocket', 'Connection: close', 'Host: elsewhere.example', 'Cookie: a=b'],
  ...[
    'X-Request-Id: ../../x',
    'X-Forwarded-For: 10.0.0.1',
    'X-HTTP-Method-Override: DELETE',
    'Origin: https://evil.example',
  ],
  ...[
    'Accept: application/xml',
    'Accept-Encoding: gzip',
    'Authorization: Basic YWRtaW46YWRtaW4=',
    `X-Long: ${'x'.repeat(9_000)}`,
  ],
  ...[' folded: line', 'No colon', 'Null: \0', 'X: \x7f\xff', 'X: a\rb'],
];

function spoiltAuthorization({ tokens }: AdministrationScene, random: Random): string | undefined {
  const { admin, expired, revoked } = tokens;
  const forged = `${admin.slice(0, 20)}${admin.slice(20).split('').reverse().join('')}`;
  const odd = [
    'Basic YWRtaW46YWRtaW4=',
    'Bearer',
    'Bearer  ',
    `Bearer ${'x'.repeat(5_000)}`,
    `Bearer ${admin} x`,
    admin,
  ];
  return pick(random, [
    ...[undefined, `Bearer ${expired}`, `Bearer ${revoked}`, `Bearer ${forged}`, ...odd],
    `Bearer ${mutateBytes(Buffer.from(admin), random).toString('latin1')}`,
  ]);
}

function authorization(scene: AdministrationScene, random: Random): string | undefined {
  const { read, operate, admin } = scene.tokens;
  if (random.chance(0.2)) return spoiltAuthorization(scene, random);
  return `Bearer ${pick(random, [read, operate, admin, admin, admin])}`;
}

type Spoil = (request: Request, random: Random) => Request;

const spoils: readonly Spoil[] = [
  (request, random) => ({ ...request, method: pick(random, methods) }),
  (request, random) => ({ ...request, path: `${pick(random, prefixes)}${pick(random, suffixes)}` }),
  (request, random) => ({ ...request, path: `${request.path}${pick(random, suffixes)}` }),
  (request, random) => ({ ...request, path: `${pick(random, prefixes.slice(0, 2))}?${pick(random, queries)}` }),
  (request, random) => ({ ...request, path: `${request.path}?${pick(random, queries)}&${pick(random, queries)}` }),
  spoilBody,
  spoilBody,
  spoilBody,
];

/** Where there is none, one that nobody asks for. */
function spoilBody(request: Request, random: Random): Request {
  const { type = json, body = '{}' } = request;
  const spoilt = typeof body === 'string' && type === json ? spoiltMembers(body, random) : body;
  return { ...request, type, body: random.chance(0.2) ? mutateBytes(Buffer.from(spoilt), random) : spoilt };
}

function encode(request: Request, authorized: string | undefined, random: Random): Buffer {
  const { method, path, type, body } = request;
  const content = Buffer.from(body ?? '');
  const headers = [
    'Host: 127.0.0.1',
    ...(authorized === undefined ? [] : [`Authorization: ${authorized}`]),
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    ...(body === undefined ? [] : [`Content-Length: ${content.length}`]),
  ];
  for (let more = random.chance(0.3) ? 1 + random.integer(2) : 0; more > 0; more -= 1) {
    headers.splice(random.integer(headers.length + 1), random.chance(0.3) ? 1 : 0, pick(random, otherHeaders));
  }
  const head = [`${method} ${path} HTTP/1.1`, ...headers, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), content]);
}

/** What somebody sends to the administration API, with a token or without: mostly not what it takes. */
export function spoiltAdministration(random: Random, scene: AdministrationScene): Buffer {
  const right = pick(random, operations)(scene.victim(random.integer(1_000)), random);
  // Left as it is now and then: otherwise nothing would ever change, and nothing be told of what there is.
  const request = random.chance(0.35) ? right : pick(random, spoils)(right, random);
  const bytes = encode(request, authorization(scene, random), random);
  return random.chance(0.15) ? mutateBytes(bytes, random) : bytes;
}
