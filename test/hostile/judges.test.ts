import { generate } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { Problem, type ProblemKind, problemBody } from '../../gateway/administration/problem.ts';
import { allCases, promisedCases } from './cases.ts';
import { flawOfAdministration } from './judge/administration.ts';
import { flawOfHttp } from './judge/http.ts';
import { flawOfMqtt } from './judge/mqtt.ts';
import { flawOfText } from './judge/text.ts';
import { flawOfTls } from './judge/tls.ts';
import { flawOfWebSocket } from './judge/websocket.ts';

const connack = Buffer.from([0x20, 3, 0, 0x86, 0]);
const disconnect = (reasonString: string): Buffer =>
  generate({ cmd: 'disconnect', reasonCode: 0x82, properties: { reasonString } }, { protocolVersion: 5 });
const answer = (body: string, status = '404 Not Found'): Buffer =>
  Buffer.from(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);

it('a run makes as many cases as are promised', () => {
  expect(allCases).toBeGreaterThanOrEqual(promisedCases);
});

describe('the judges of what peers receive', () => {
  it.each([
    ['CONNACK and a reason', Buffer.concat([connack, disconnect('packet type 9 is not one that a client may send')])],
    ['a reason that quotes the peer', Buffer.concat([connack, disconnect('vehicleId "TypeError: x" is not "veh-1"')])],
    ['nothing', Buffer.alloc(0)],
  ])('let %s pass', (_what, received) => {
    expect(flawOfMqtt(received)).toBeUndefined();
  });

  it.each([
    ['text in place of a packet', Buffer.from('Internal Server Error')],
    ['half a packet', connack.subarray(0, 4)],
    ['a packet of clients', Buffer.from([0xc0, 0])],
    ['a stack', Buffer.concat([connack, disconnect('at Incoming.received (incoming.ts:52:11)')])],
    ['the name of an error', Buffer.concat([connack, disconnect('TypeError: Cannot read properties of undefined')])],
    ['a second line', Buffer.concat([connack, disconnect('bad\r\nworse')])],
  ])('find %s', (_what, received) => {
    expect(flawOfMqtt(received)).toBeTypeOf('string');
  });

  it('find secrets in whatever form', () => {
    expect(flawOfText('bound to "canary-1"', ['canary-1'])).toBeTypeOf('string');
    expect(
      flawOfTls(Buffer.concat([Buffer.from('1603030008', 'hex'), Buffer.from('canary-1')]), ['canary-1']),
    ).toBeTypeOf('string');
  });

  it('tell records of TLS from anything else', () => {
    expect(flawOfTls(Buffer.from('15030100020246', 'hex'))).toBeUndefined();
    expect(flawOfTls(Buffer.from('15000100020246', 'hex')), 'the version of the peer, refused').toBeUndefined();
    expect(flawOfTls(Buffer.from('15000100020228', 'hex')), 'another alert').toBeTypeOf('string');
    expect(flawOfTls(Buffer.from('17000100020246', 'hex')), 'no alert').toBeTypeOf('string');
    expect(flawOfTls(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))).toBeTypeOf('string');
    expect(flawOfTls(Buffer.from('150301000202', 'hex'))).toBeTypeOf('string');
  });

  it('know the answers of the listener of health and metrics', () => {
    expect(flawOfHttp(answer('{"error":"not_found"}'))).toBeUndefined();
    expect(flawOfHttp(answer('{"live":true}', '200 OK'))).toBeUndefined();
    expect(flawOfHttp(answer('<html>'))).toBeTypeOf('string');
    expect(flawOfHttp(answer('{"error":"x","stack":"y"}'))).toBeTypeOf('string');
    expect(flawOfHttp(answer('{"error":"x"}', '500 Internal Server Error'))).toBeTypeOf('string');
  });
});

const granted = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  'Sec-WebSocket-Protocol: mqtt',
];
const head = (lines: readonly string[]): Buffer => Buffer.from([...lines, '', ''].join('\r\n'));
const refused = (status: string, ...lines: string[]): Buffer =>
  head([`HTTP/1.1 ${status}`, 'Connection: close', 'Content-Length: 0', ...lines]);
/** What a server sends behind the answer to an upgrade, in hexadecimal. */
const upgraded = (...frames: string[]): Buffer => Buffer.concat([head(granted), Buffer.from(frames.join(''), 'hex')]);
const closed = (code: number, reason = ''): string =>
  Buffer.concat([Buffer.from([0x88, 2 + reason.length, code >> 8, code & 0xff]), Buffer.from(reason)]).toString('hex');
const accepted = '82052003000000';
const pong = '8a0161';

describe('the judge of what peers of a WebSocket receive', () => {
  it.each([
    ['an upgrade, CONNACK and the end', upgraded(accepted, pong, closed(1000))],
    ['a packet in two frames', upgraded('82022003', '8203000000')],
    ['the reason that the peer gave', upgraded(accepted, closed(3000, 'bye'))],
    ['a bare refusal', refused('403 Forbidden')],
    ['the same of an ordinary request', refused('426 Upgrade Required', 'Upgrade: websocket')],
    ['nothing', Buffer.alloc(0)],
  ])('lets %s pass', (_what, received) => {
    expect(flawOfWebSocket(received)).toBeUndefined();
  });

  it.each([
    ['a refusal that explains itself', Buffer.concat([refused('400 Bad Request'), Buffer.from('Invalid key')])],
    ['a failure', refused('500 Internal Server Error')],
    ['a header that says what runs here', refused('404 Not Found', 'Server: node')],
    ['an upgrade to another protocol', head(granted.map((line) => line.replace('mqtt', 'chat')))],
    ['an upgrade with extensions', head([...granted, 'Sec-WebSocket-Extensions: permessage-deflate'])],
    ['MQTT without a frame', upgraded('2003000000')],
    ['a frame that is masked', upgraded('8285010203042102030404')],
    ['a frame with reserved bits', upgraded('c2052003000000')],
    ['a frame in fragments', upgraded('02052003000000')],
    ['text', upgraded('81026869')],
    ['half a frame', upgraded('820520030000')],
    ['a length that is longer than necessary', upgraded('827e00052003000000')],
    ['half a packet of MQTT', upgraded('82022003')],
    ['a packet of clients', upgraded('8202c000')],
    ['a code that may not be sent', upgraded(accepted, closed(1006))],
    ['words of the gateway in the end', upgraded(closed(1011, 'TypeError: x is not a function'))],
    ['something behind the end', upgraded(closed(1000), accepted)],
  ])('finds %s', (_what, received) => {
    expect(flawOfWebSocket(received)).toBeTypeOf('string');
  });

  it('finds secrets', () => {
    expect(flawOfWebSocket(upgraded(closed(1000, 'canary-1')), ['canary-1'])).toBeTypeOf('string');
  });
});

describe('the judge of what clients of the administration API receive', () => {
  const id = '00000000-0000-4000-8000-000000000000';
  const always = ['Cache-Control: no-store', 'X-Content-Type-Options: nosniff', 'Connection: close'];
  const withBody = (status: string, type: string, body: string, lines: readonly string[] = always): Buffer =>
    Buffer.concat([
      head([`HTTP/1.1 ${status}`, `Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`, ...lines]),
      Buffer.from(body),
    ]);
  const problemType = 'application/problem+json';
  const problem = (kind: ProblemKind, detail = 'wait', status = '404 Not Found', more: object = {}): Buffer => {
    const body = JSON.parse(problemBody(new Problem(kind, detail), id)) as object;
    return withBody(status, problemType, JSON.stringify({ ...body, ...more }));
  };
  const content = (value: unknown, status = '200 OK', lines: readonly string[] = always): Buffer =>
    withBody(status, 'application/json; charset=utf-8', JSON.stringify(value), lines);
  const device = {
    deviceId: 'd',
    kind: 'bay',
    boundTo: 'b',
    enabled: true,
    groups: [],
    createdAt: '2026-01-01T00:00:00Z',
  };
  const judged = (received: Buffer): string | undefined =>
    flawOfAdministration(received, { strangers: ['topic-1'], holders: ['canary-1'] });

  it.each([
    ['a problem', problem('not_found', 'there is no device x')],
    ['a problem in parts', problem('not_found', 'x', undefined, { errors: [{ line: 1, detail: 'kind "x" is none' }] })],
    ['a problem behind another', Buffer.concat([problem('not_found'), problem('not_found')])],
    [
      'the head of a problem',
      head(['HTTP/1.1 404 Not Found', `Content-Type: ${problemType}`, ...always, 'Content-Length: 9']),
    ],
    ['a refusal of Node', head(['HTTP/1.1 400 Bad Request', 'Connection: close'])],
    ['devices', content({ devices: [device], nextCursor: 'd' })],
    [
      'a secret that is shown once',
      content({ device, secret: 's' }, '201 Created', [...always, 'Location: /v1/devices/d']),
    ],
    ['settings, which name topics', content({ listeners: [], kafka: { topic: 'topic-1' } })],
    ['nothing', Buffer.alloc(0)],
  ])('lets %s pass', (_what, received) => {
    expect(judged(received)).toBeUndefined();
  });

  it.each([
    ['text', withBody('404 Not Found', 'text/plain', 'Not Found')],
    [
      'an error in the words of a library',
      withBody('400 Bad Request', problemType, '{"statusCode":400,"code":"FST_ERR"}'),
    ],
    ['a problem with a stack', problem('not_found', 'at Object.find (devices.ts:7:1)')],
    ['a problem with a member of its own', problem('not_found', 'x', undefined, { stack: 'x' })],
    ['a problem of another status', problem('not_found', 'x', '400 Bad Request')],
    [
      'a problem that nobody knows',
      problem('not_found', 'x', undefined, { type: 'urn:edge-ingest-gateway:problem:x' }),
    ],
    [
      'a problem in parts that say too much',
      problem('not_found', 'x', undefined, { errors: [{ detail: 'x', value: 'y' }] }),
    ],
    ['a defect', problem('internal_error', 'x', '500 Internal Server Error')],
    ['a service that is not there', problem('registry_unavailable', 'x', '503 Service Unavailable')],
    ['a problem that names a topic', problem('not_found', 'there is no topic-1')],
    ['a control character', problem('not_found', 'there is no \u009b2K')],
    ['a header that was put in', Buffer.from(String(problem('not_found')).replace('\r\n', '\r\nSet-Cookie: a=b\r\n'))],
    ['an answer for caches', content({ devices: [] }, '200 OK', ['Connection: close'])],
    ['half an answer', problem('not_found').subarray(0, -1)],
    ['a hash of a secret', content({ ...device, secretHash: 'x' })],
    ['a secret of another', content({ ...device, boundTo: 'canary-1' })],
    ['settings with a secret', content({ listeners: [], password: 'canary-1' })],
    [
      'a location elsewhere',
      content({ device, secret: 's' }, '201 Created', [...always, 'Location: https://elsewhere']),
    ],
  ])('finds %s', (_what, received) => {
    expect(judged(received)).toBeTypeOf('string');
  });
});
