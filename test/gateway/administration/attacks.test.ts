import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { AdministrationError } from '../../../gateway/administration/administration-error.ts';
import type { AuditWriter } from '../../../gateway/administration/audit/audit-file.ts';
import { readLines, verifyChain } from '../../../gateway/administration/audit/verify-chain.ts';
import { guardOf } from '../../../gateway/administration/guard.ts';
import { aSession, scene } from './support.ts';

const json = { 'content-type': 'application/json' };
const vehicle = { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' };
const create = (payload: string | Buffer, headers: Record<string, string> = json) =>
  ({ method: 'POST', payload, headers }) as const;

describe('a body', () => {
  it.each([
    ['is no JSON', '{'],
    ['is empty', ''],
    ['is a list', '[]'],
    ['is null', 'null'],
    ['holds a key __proto__', '{"__proto__":{"enabled":true},"deviceId":"dev-1","kind":"bay","boundTo":"b"}'],
    ['holds a constructor', '{"constructor":{"prototype":{"x":1}},"deviceId":"dev-1","kind":"bay","boundTo":"b"}'],
    ['holds a key that is not known', '{"deviceId":"dev-1","kind":"bay","boundTo":"b","admin":true}'],
    ['lacks one that is needed', '{"deviceId":"dev-1","kind":"bay"}'],
    ['has numbers for texts', '{"deviceId":1,"kind":"bay","boundTo":"b"}'],
    ['has texts for booleans', '{"deviceId":"dev-1","kind":"bay","boundTo":"b","enabled":"true"}'],
    ['names a kind that there is not', '{"deviceId":"dev-1","kind":"tram","boundTo":"b"}'],
    ['has a path for an id', '{"deviceId":"../../etc/passwd","kind":"bay","boundTo":"b"}'],
    ['has a line break in an id', '{"deviceId":"dev-1\\r\\n{\\"seq\\":1}","kind":"bay","boundTo":"b"}'],
    ['has an id that is too long', `{"deviceId":"${'d'.repeat(129)}","kind":"bay","boundTo":"b"}`],
    ['is nested as deep as fits', `{"deviceId":${'['.repeat(8000)}${']'.repeat(8000)}}`],
  ])('that %s is refused without effect, and without a word of the gateway’s insides', async (_what, body) => {
    const { ask, registry, records } = await scene();
    const answer = await ask('/v1/devices', create(body));
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.body).not.toMatch(/\.ts|node_modules| {4}at |FST_|secure-json|Unexpected token/);
    expect(await registry.count()).toBe(0);
    expect(Object.prototype).not.toHaveProperty('enabled');
    expect(records().at(-1)).toMatchObject({ action: 'device.create', outcome: 'refused', status: 400 });
  });

  it('that is larger than 16 KiB is refused before it is read', async () => {
    const { ask, registry } = await scene();
    const answer = await ask('/v1/devices', create(JSON.stringify({ ...vehicle, padding: 'x'.repeat(20_000) })));
    expect(answer.statusCode).toBe(413);
    expect(await registry.count()).toBe(0);
  });

  it('of another type is not taken, text and forms of browsers among them', async () => {
    const { ask } = await scene();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'x']) {
      const answer = await ask('/v1/devices', create(JSON.stringify(vehicle), { 'content-type': type }));
      expect([type, answer.statusCode]).toEqual([type, 415]);
    }
  });

  it('is not read before it is known who sends it', async () => {
    const { ask } = await scene();
    const answer = await ask('/v1/devices', { ...create('x'.repeat(20_000)), token: '' });
    expect(answer.statusCode).toBe(401);
  });
});

/** Short names for tests of long texts. */
const named = (texts: readonly string[]): [name: string, text: string][] =>
  texts.map((text) => [text.slice(0, 60), text]);

describe('an address', () => {
  it.each(
    named([
      '/v1/devices/..%2f..%2fetc%2fpasswd',
      '/v1/devices/%00',
      '/v1/devices/dev-1%0d%0aSet-Cookie:%20a=b',
      '/v1/devices/dev%201',
      `/v1/devices/${'d'.repeat(300)}`,
      `/v1/devices/${'d'.repeat(5000)}`,
      '/v1/devices/%zz',
      '/v1/devices?limit=0',
      '/v1/devices?limit=1001',
      '/v1/devices?limit=1e3',
      '/v1/devices?limit=-1',
      '/v1/devices?limit=1&limit=2',
      '/v1/devices?cursor=%27%20OR%201=1',
      '/v1/devices?kind=tram',
      '/v1/devices?enabled=1',
      '/v1/devices?color=red',
      '/v1/devices?__proto__=1',
      '/v1/devices?constructor=1',
      '/v1/sessions/a.b',
      '/v1/sessions?cursor=%0a',
    ]),
  )('%s is refused', async (_name, url) => {
    const { ask, seen } = await scene();
    const answer = await ask(url);
    expect([400, 414]).toContain(answer.statusCode);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(seen.of('failed')).toEqual([]);
  });

  it('that there is not is found out by who has a token only', async () => {
    const { ask } = await scene();
    for (const [token, status] of [
      ['', 401],
      [undefined, 404],
    ] as const) {
      for (const url of ['/', '/v2', '/v1/devices/a/b/c', '/.git/config', '/metrics', '/v1/devices/%zz']) {
        const expected = url.endsWith('%zz') && token === undefined ? 400 : status;
        const answer = await ask(url, token === undefined ? {} : { token });
        expect([url, answer.statusCode]).toEqual([url, expected]);
      }
    }
  });

  it.each(['HEAD', 'OPTIONS', 'TRACE', 'PUT'])('takes no %s where it is not offered', async (method) => {
    const { ask } = await scene();
    const answer = await ask('/v1/devices', { method });
    expect(answer.statusCode).toBe(404);
  });
});

describe('an answer', () => {
  it('is not for caches, nor for scripts of other sites', async () => {
    const { ask } = await scene();
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    for (const [url, request] of [
      ['/v1/devices', { headers }],
      ['/v1/devices', { headers, method: 'OPTIONS', token: '' }],
      ['/v1/devices', { headers, token: '' }],
      ['/v1/devices/%zz', { headers }],
    ] as const) {
      const answer = await ask(url, request);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('to a defect holds nothing of it', async () => {
    const { ask, seen } = await scene({
      options: {
        sessions: () => {
          throw new Error('secret insides');
        },
      },
    });
    const answer = await ask('/v1/sessions');
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('insides');
    const [requestId, error] = seen.of('failed')[0] ?? [];
    expect(answer.json()).toMatchObject({ instance: `urn:uuid:${String(requestId)}` });
    expect(error).toMatchObject({ message: 'secret insides' });
  });
});

describe('who has no valid token', () => {
  it('is told 429 after some tries, and leaves one record of the rest; a valid token passes from the same address', async () => {
    const { ask, records, trail, tokens } = await scene({ denialsPerMinute: 3 });
    const statuses: number[] = [];
    for (let i = 0; i < 10; i++) statuses.push((await ask('/v1/devices', { token: 'guess' })).statusCode);
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429, 429, 429, 429, 429]);
    const limited = await ask('/v1/devices', { token: 'guess' });
    expect(limited.headers).toMatchObject({ 'retry-after': '60', connection: 'close' });
    expect((await ask('/v1/devices', { token: tokens.read })).statusCode).toBe(200);
    expect((await ask('/v1/devices', { token: 'guess', remoteAddress: '192.0.2.7' })).statusCode).toBe(401);
    await trail.writeCounted();
    const denied = records().filter(({ outcome }) => outcome === 'denied');
    expect(denied).toHaveLength(5);
    expect(denied.at(-1)).toMatchObject({
      ...{ action: 'request.denied_often', remoteAddress: '127.0.0.1' },
      detail: { requests: 8 },
    });
  });

  it('is not let either while tokens can not be looked up', async () => {
    const { ask, seen, records } = await scene({
      options: {
        findToken: () => {
          throw new AdministrationError('tokens_failed', 'disk I/O error');
        },
      },
    });
    const answer = await ask('/v1/devices');
    expect(answer.statusCode).toBe(503);
    expect(answer.body).not.toContain('disk');
    expect(seen.of('failed')).toHaveLength(1);
    expect(records().at(-1)).toMatchObject({ outcome: 'denied', detail: { reason: 'tokens_unavailable' } });
  });

  it.each(
    named([
      'Basic YWRtaW46YWRtaW4=',
      'Bearer',
      'Bearer  ',
      'Bearer eig_',
      `Bearer eig_0123456789ab_${'A'.repeat(42)}`,
      `Bearer eig_0123456789AB_${'A'.repeat(43)}`,
      `Bearer eig_0123456789ab_${'A'.repeat(43)} and more`,
      `Bearer ${'x'.repeat(5000)}`,
    ]),
  )('is not let with %s', async (_name, authorization) => {
    const { server } = await scene();
    const answer = await server.inject({ url: '/v1/devices', headers: { authorization } });
    expect(answer.statusCode).toBe(401);
  });
});

describe('a token', () => {
  it('is in no record, event or answer', async () => {
    const { ask, tokens, path, seen, store } = await scene({ denialsPerMinute: 2 });
    await ask('/v1/devices', create(JSON.stringify(vehicle)));
    await ask('/v1/devices', { token: tokens.expired });
    await ask('/v1/devices', { ...create(JSON.stringify(vehicle)), token: tokens.read });
    await ask(`/v1/devices/dev-1?${'limit=x'}`);
    const answer = await ask('/v1/configuration');
    const { readFileSync } = await import('node:fs');
    const written = `${readFileSync(path, 'utf8')}${JSON.stringify(seen.events)}${answer.body}${JSON.stringify(store.list())}`;
    for (const token of Object.values(tokens)) expect(written).not.toContain(token.slice('eig_0123456789ab_'.length));
  });
});

describe('line breaks from outside', () => {
  it('make no lines in the audit file', async () => {
    const { ask, path, records, tokens } = await scene();
    const forged = `%0a${encodeURIComponent('{"seq":99,"outcome":"succeeded"}')}%0d%0a`;
    await ask(`/v1/devices/x${forged}`, { method: 'DELETE' });
    await ask(`/v1/sessions/x${forged}/disconnect`, { method: 'POST', token: tokens.read });
    await ask('/v1/devices', create('{"deviceId":"a\\nb","kind":"bay\\r\\n","boundTo":"\\u2028"}'));
    await ask('/v1/devices', { token: 'x', remoteAddress: 'fe80::1\n{"seq":1}' });
    const verdict = await verifyChain(readLines(path));
    expect(verdict).toMatchObject({ broken: undefined, tornLines: 0 });
    expect(records().map(({ seq }) => seq)).toEqual(Array.from({ length: verdict.records }, (_, index) => index + 1));
    expect(verdict.records).toBe(5);
  });
});

describe('a change whose record can not be written', () => {
  const failing: AuditWriter = {
    append: () => Promise.reject(new AdministrationError('audit_failed', 'audit file: ENOSPC')),
  };

  it.each([
    ['POST', '/v1/devices', vehicle],
    ['PATCH', '/v1/devices/dev-0', { enabled: false }],
    ['PATCH', '/v1/devices/dev-0', { boundTo: 'veh-2', groups: ['pilot'] }],
    ['POST', '/v1/devices/dev-0/secret', undefined],
    ['DELETE', '/v1/devices/dev-0', undefined],
    ['POST', '/v1/sessions/c2Vzc2lvbi0x/disconnect', undefined],
    ['PUT', '/v1/log-level', { level: 'trace' }],
  ])('is not made: %s %s', async (method, url, payload) => {
    const { ask, registry, sessions, log, seen } = await scene({ auditFile: failing });
    const device = { deviceId: 'dev-0', kind: 'vehicle', boundTo: 'v', secretHash: 'x', enabled: true } as const;
    await registry.add({ ...device, createdAtMs: 1, rotatedAtMs: undefined });
    const answer = await ask(url, { method, ...(payload === undefined ? {} : { payload }) });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ type: 'urn:edge-ingest-gateway:problem:audit_unavailable' });
    expect(answer.body).not.toContain('ENOSPC');
    expect(await registry.find('dev-0')).toMatchObject(device);
    expect(await registry.count()).toBe(1);
    expect(sessions.present).toBeDefined();
    expect(log.level).toBe('info');
    expect(seen.of('auditFailed')).toHaveLength(1);
  });

  it('is not made by an import; who only looks is served, and who is denied stays denied', async () => {
    const { ask, registry } = await scene({ auditFile: failing });
    const payload = 'device_id,kind,bound_to\ndev-1,vehicle,veh-1\n';
    expect((await ask('/v1/device-imports', create(payload, { 'content-type': 'text/csv' }))).statusCode).toBe(503);
    expect(await registry.count()).toBe(0);
    expect((await ask('/v1/devices')).statusCode).toBe(200);
    expect((await ask('/v1/devices', { token: '' })).statusCode).toBe(401);
  });
});

describe('who has gone before his request was judged', () => {
  it('leaves a record of what he has changed', async () => {
    const { server, ask, records, registry } = await scene();
    const gone = async ({ raw }: { readonly raw: IncomingMessage }) => {
      Object.defineProperty(raw.socket, 'remoteAddress', { value: undefined });
    };
    server.addHook('preHandler', gone);
    expect((await ask('/v1/devices', create(JSON.stringify(vehicle)))).statusCode).toBe(201);
    expect(await registry.count()).toBe(1);
    expect(records().at(-1)).toMatchObject({ outcome: 'succeeded', remoteAddress: 'unknown' });
  });

  it('leaves a record of what he was denied', async () => {
    const { trail, records, seen } = await scene();
    const guard = guardOf({ findToken: () => undefined, trail, observer: seen.observer, now: Date.now });
    const request = {
      id: 'r',
      ip: undefined,
      method: 'GET',
      raw: { url: '/' },
      headers: {},
      routeOptions: { config: {} },
    };
    await expect(guard(request as never)).rejects.toMatchObject({ kind: 'no_valid_token' });
    expect(records().at(-1)).toMatchObject({ outcome: 'denied', remoteAddress: 'unknown' });
  });
});

describe('every change', () => {
  it('leaves a record before it is made, and one of how it ended, under the id of its request', async () => {
    const { ask, records, tokens } = await scene();
    const created = await ask('/v1/devices', create(JSON.stringify(vehicle)));
    const again = await ask('/v1/devices', create(JSON.stringify(vehicle)));
    const actor = { tokenId: tokens.admin.slice(4, 16), name: 'admin-user', scope: 'admin' };
    const about = { actor, remoteAddress: '127.0.0.1', action: 'device.create', target: 'dev-1' };
    const [, ...changes] = records();
    expect(changes).toMatchObject([
      { ...about, outcome: 'attempted' },
      { ...about, outcome: 'succeeded', status: 201, detail: { kind: 'vehicle', boundTo: 'veh-1', enabled: true } },
      { ...about, outcome: 'attempted' },
      { ...about, outcome: 'refused', status: 409, detail: { problem: 'already_exists' } },
    ]);
    expect(changes[0]?.requestId).toBe(changes[1]?.requestId);
    expect(again.json()).toMatchObject({ instance: `urn:uuid:${String(changes[2]?.requestId)}` });
    const { secret } = created.json<{ secret: string }>();
    expect(JSON.stringify(changes)).not.toContain(secret);
  });

  it('that fails for a defect is recorded as failed', async () => {
    const { ask, records } = await scene({
      options: {
        sessions: () => {
          throw new Error('defect');
        },
      },
    });
    const answer = await ask(`/v1/sessions/${aSession.id}/disconnect`, { method: 'POST' });
    expect(answer.statusCode).toBe(500);
    expect(records().at(-1)).toMatchObject({ action: 'session.disconnect', outcome: 'failed', status: 500 });
  });
});
