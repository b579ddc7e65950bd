import { describe, expect, it, vi } from 'vitest';
import { aSession, scene } from './support.ts';

const vehicle = { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' };
const post = (payload: object) => ({ method: 'POST', payload }) as const;

describe('devices', () => {
  it('are created with a secret that is shown once', async () => {
    const { ask, registry } = await scene();
    const created = await ask('/v1/devices', post(vehicle));
    expect(created.statusCode).toBe(201);
    expect(created.headers.location).toBe('/v1/devices/dev-1');
    expect(created.json()).toMatchObject({ device: { ...vehicle, enabled: true }, secret: expect.any(String) });
    expect(await registry.find('dev-1')).toMatchObject({ ...vehicle, enabled: true });
    const shown = await ask('/v1/devices/dev-1');
    expect(shown.statusCode).toBe(200);
    expect(shown.json()).toEqual({ ...vehicle, enabled: true, groups: [], createdAt: expect.any(String) });
    expect(shown.body).not.toContain('scrypt');
  });

  it('are not created twice', async () => {
    const { ask } = await scene();
    await ask('/v1/devices', post(vehicle));
    const again = await ask('/v1/devices', post({ ...vehicle, boundTo: 'veh-2' }));
    expect(again.statusCode).toBe(409);
    expect(again.json()).toMatchObject({ type: 'urn:edge-ingest-gateway:problem:already_exists', status: 409 });
    expect((await ask('/v1/devices/dev-1')).json()).toMatchObject({ boundTo: 'veh-1' });
  });

  it('have groups, and may be bound to one certificate', async () => {
    const { ask, registry } = await scene();
    const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
    const pinned = { ...vehicle, groups: ['pilot', 'depot-7'], certificateFingerprint: fingerprint };
    const created = await ask('/v1/devices', post(pinned));
    const held = { groups: ['depot-7', 'pilot'], certificateFingerprint: 'ab'.repeat(32) };
    expect(created.json()).toMatchObject({ device: held });
    expect(await registry.find('dev-1')).toMatchObject(held);
    expect((await ask('/v1/devices/dev-1')).json()).toMatchObject(held);
    for (const wrong of [{ groups: ['two words'] }, { groups: 'pilot' }, { certificateFingerprint: 'abc' }]) {
      expect((await ask('/v1/devices', post({ ...vehicle, deviceId: 'dev-2', ...wrong }))).statusCode).toBe(400);
    }
  });

  it('are listed in pages, by kind and by whether they are enabled', async () => {
    const { ask, registry } = await scene();
    for (const number of [1, 2, 3, 4, 5]) {
      await registry.add({
        deviceId: `dev-${number}`,
        kind: number % 2 === 0 ? 'bay' : 'vehicle',
        boundTo: `b-${number}`,
        secretHash: 'x',
        enabled: number !== 3,
        createdAtMs: 1,
        rotatedAtMs: number === 1 ? 2 : undefined,
      });
    }
    const idsOf = async (query: string) => {
      const answer = await ask(`/v1/devices?${query}`);
      expect(answer.statusCode).toBe(200);
      const { devices, nextCursor } = answer.json<{ devices: { deviceId: string }[]; nextCursor?: string }>();
      return { ids: devices.map(({ deviceId }) => deviceId), nextCursor };
    };
    expect(await idsOf('')).toEqual({ ids: ['dev-1', 'dev-2', 'dev-3', 'dev-4', 'dev-5'], nextCursor: undefined });
    expect(await idsOf('limit=2')).toEqual({ ids: ['dev-1', 'dev-2'], nextCursor: 'dev-2' });
    expect(await idsOf('limit=2&cursor=dev-2')).toEqual({ ids: ['dev-3', 'dev-4'], nextCursor: 'dev-4' });
    expect(await idsOf('limit=2&cursor=dev-4')).toEqual({ ids: ['dev-5'], nextCursor: undefined });
    expect(await idsOf('kind=bay')).toEqual({ ids: ['dev-2', 'dev-4'], nextCursor: undefined });
    expect(await idsOf('enabled=false')).toEqual({ ids: ['dev-3'], nextCursor: undefined });
    expect(await idsOf('kind=vehicle&enabled=true&limit=1')).toEqual({ ids: ['dev-1'], nextCursor: 'dev-1' });
    expect(await idsOf('kind=vehicle&enabled=true&limit=1&cursor=dev-1')).toMatchObject({ ids: ['dev-5'] });
  });

  it('are disabled, which ends their sessions, and enabled again', async () => {
    const { ask, registry, sessions } = await scene();
    await ask('/v1/devices', post(vehicle));
    const disabled = await ask('/v1/devices/dev-1', { method: 'PATCH', payload: { enabled: false } });
    expect(disabled.json()).toMatchObject({ device: { enabled: false }, sessionsEnded: 1 });
    expect((await registry.find('dev-1'))?.enabled).toBe(false);
    expect(sessions.present).toBeUndefined();
    const enabled = await ask('/v1/devices/dev-1', { method: 'PATCH', payload: { enabled: true } });
    expect(enabled.json()).toMatchObject({ device: { enabled: true }, sessionsEnded: 0 });
  });

  it('get a new secret, and lose their sessions with the old one', async () => {
    const { ask, registry } = await scene();
    const { secret } = (await ask('/v1/devices', post(vehicle))).json<{ secret: string }>();
    const before = (await registry.find('dev-1'))?.secretHash;
    const rotated = await ask('/v1/devices/dev-1/secret', { method: 'POST' });
    expect(rotated.statusCode).toBe(200);
    expect(rotated.json()).toMatchObject({ deviceId: 'dev-1', sessionsEnded: 1 });
    expect(rotated.json<{ secret: string }>().secret).not.toBe(secret);
    expect((await registry.find('dev-1'))?.secretHash).not.toBe(before);
    expect((await ask('/v1/devices/dev-1')).json()).toMatchObject({ rotatedAt: expect.any(String) });
  });

  it('are removed with their sessions', async () => {
    const { ask, registry } = await scene();
    await ask('/v1/devices', post(vehicle));
    const removed = await ask('/v1/devices/dev-1', { method: 'DELETE' });
    expect(removed.json()).toEqual({ deviceId: 'dev-1', sessionsEnded: 1 });
    expect(await registry.find('dev-1')).toBeUndefined();
  });

  it.each([
    ['GET', '/v1/devices/nobody', undefined],
    ['PATCH', '/v1/devices/nobody', { enabled: true }],
    ['POST', '/v1/devices/nobody/secret', undefined],
    ['DELETE', '/v1/devices/nobody', undefined],
  ])('that do not exist are not found: %s %s', async (method, url, payload) => {
    const { ask } = await scene();
    const answer = await ask(url, { method, ...(payload === undefined ? {} : { payload }) });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ status: 404, detail: 'there is no device nobody' });
  });

  it('can not be used while their registry fails, and nobody is told why', async () => {
    const { ask, registry, seen } = await scene();
    await registry.close();
    const answer = await ask('/v1/devices/dev-1');
    expect(answer.statusCode).toBe(503);
    expect(answer.body).not.toMatch(/sqlite|database|memory/i);
    expect(seen.of('failed')).toHaveLength(1);
    // So that the scene can close it again.
    registry.close = () => Promise.resolve();
  });

  it('are not there at a gateway without a registry', async () => {
    const { ask } = await scene({ options: { devices: () => undefined } });
    expect((await ask('/v1/devices')).statusCode).toBe(503);
  });
});

describe('an import', () => {
  const csv = (payload: string) =>
    ({ method: 'POST', payload, headers: { 'content-type': 'text/csv; charset=utf-8' } }) as const;
  const ndjson = (payload: string) =>
    ({ method: 'POST', payload, headers: { 'content-type': 'application/x-ndjson' } }) as const;

  it('of CSV takes the columns that the devices command takes', async () => {
    const { ask, registry } = await scene();
    const fingerprint = 'ab'.repeat(32);
    const answer = await ask(
      '/v1/device-imports',
      csv(`device_id,kind,bound_to,groups,certificate_fingerprint\ndev-1,vehicle,veh-1,pilot depot-7,${fingerprint}\n`),
    );
    expect(answer.statusCode).toBe(201);
    const held = { groups: ['depot-7', 'pilot'], certificateFingerprint: fingerprint };
    expect(await registry.find('dev-1')).toMatchObject(held);
  });

  it('of CSV registers all devices and shows the secrets that were made', async () => {
    const { ask, registry, records } = await scene();
    const answer = await ask(
      '/v1/device-imports',
      csv('device_id,kind,bound_to,secret,enabled\r\ndev-1,vehicle,veh-1,,\r\ndev-2,bay,bay-1,own-secret-2,false\r\n'),
    );
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toEqual({ added: 2, secrets: [{ deviceId: 'dev-1', secret: expect.any(String) }] });
    expect(await registry.find('dev-2')).toMatchObject({ kind: 'bay', enabled: false });
    expect(records().at(-1)).toMatchObject({
      ...{ action: 'device.import', outcome: 'succeeded', status: 201 },
      detail: { devices: 2, bodySha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  it.each(['yes', 'constructor', '__proto__'])('of CSV takes no %s for true', async (enabled) => {
    const { ask, registry } = await scene();
    const rows = `device_id,kind,bound_to,enabled\ndev-1,vehicle,veh-1,${enabled}\n`;
    const answer = await ask('/v1/device-imports', csv(rows));
    expect([answer.statusCode, await registry.count()]).toEqual([422, 0]);
  });

  it('of NDJSON does the same', async () => {
    const { ask, registry } = await scene();
    const answer = await ask(
      '/v1/device-imports',
      ndjson(
        '{"device_id":"dev-1","kind":"vehicle","bound_to":"veh-1"}\n\n{"device_id":"dev-2","kind":"bay","bound_to":"b","enabled":false}',
      ),
    );
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toMatchObject({ added: 2 });
    expect(await registry.count()).toBe(2);
  });

  it('adds nothing when one row is wrong, and names each by its line', async () => {
    const { ask, registry } = await scene();
    const answer = await ask(
      '/v1/device-imports',
      csv('device_id,kind,bound_to\ndev-1,vehicle,veh-1\ndev/2,vehicle,veh-2\ndev-3,tram,veh-3\ndev-1,bay,b-1\n'),
    );
    expect(answer.statusCode).toBe(422);
    expect(answer.json<{ errors: { line: number }[] }>().errors.map(({ line }) => line)).toEqual([3, 4, 5]);
    expect(await registry.count()).toBe(0);
  });

  it.each([
    ['a column too many', csv('device_id,kind,bound_to,color\n'), 400],
    ['a column too few', csv('device_id,kind\n'), 400],
    ['a quote that does not end', csv('device_id,kind,bound_to\n"dev-1,vehicle,veh-1\n'), 400],
    ['a line without end', ndjson(`{"device_id":"${'x'.repeat(9000)}`), 400],
    ['bytes that are no UTF-8', { ...ndjson(''), payload: Buffer.from([0x7b, 0xff, 0xfe, 0x0a]) }, 400],
    ['too many devices', ndjson('{"device_id":"d","kind":"bay","bound_to":"b"}\n'.repeat(6)), 413],
    ['too many bytes', ndjson(' \n'.repeat(40_000)), 413],
    ['another type', { method: 'POST', payload: { a: 1 } } as const, 415],
    ['no body', { method: 'POST' } as const, 415],
  ])('with %s is refused, and adds nothing', async (_what, request, status) => {
    const { ask, registry, records } = await scene();
    const answer = await ask('/v1/device-imports', request);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([status, 'application/problem+json']);
    expect(await registry.count()).toBe(0);
    expect(records().at(-1)).toMatchObject({ action: 'device.import', outcome: 'refused', status });
  });

  it.each(
    [
      '{"device_id":"dev-1","kind":"vehicle","bound_to":"veh-1","__proto__":{"enabled":true}}',
      '{"device_id":"dev-1","kind":"vehicle","bound_to":"veh-1","constructor":{"prototype":{}}}',
      '{"device_id":["dev-1"],"kind":"vehicle","bound_to":"veh-1"}',
      '{"device_id":"dev-1","kind":"vehicle","bound_to":"veh-1","enabled":"yes"}',
      '["dev-1","vehicle","veh-1"]',
      'null',
      `${'['.repeat(4000)}${']'.repeat(4000)}`,
      '{"device_id":"dev-1\\r\\n{}","kind":"vehicle","bound_to":"veh-1"}',
    ].map((line) => [line.slice(0, 80), line]),
  )('refuses %s', async (_name, line = '') => {
    const { ask, registry } = await scene();
    const answer = await ask('/v1/device-imports', ndjson(line));
    expect(answer.statusCode).toBe(422);
    expect(answer.json<{ errors: { line: number }[] }>().errors).toMatchObject([{ line: 1 }]);
    expect(await registry.count()).toBe(0);
  });
});

describe('sessions', () => {
  const { connectedAtMs, keepAliveSeconds, receiveMaximum, expirySeconds, ...rest } = aSession;
  const { hasWill, isPaused, unansweredBytes, subscriptions, ...facts } = rest;
  const connectedAt = new Date(connectedAtMs).toISOString();

  it('are listed, and shown in detail', async () => {
    const { ask } = await scene();
    expect((await ask('/v1/sessions')).json()).toEqual({ sessions: [{ ...facts, connectedAt }] });
    const details = { keepAliveSeconds, receiveMaximum, expirySeconds, hasWill, isPaused, unansweredBytes };
    const answer = await ask(`/v1/sessions/${aSession.id}`);
    expect(answer.json()).toEqual({ ...facts, connectedAt, ...details, subscriptions });
  });

  it('are disconnected, once', async () => {
    const { ask, sessions, records } = await scene();
    const url = `/v1/sessions/${aSession.id}/disconnect`;
    expect((await ask(url, { method: 'POST' })).json()).toEqual({ id: aSession.id });
    expect(sessions.present).toBeUndefined();
    expect(records().at(-1)).toMatchObject({
      ...{ action: 'session.disconnect', target: aSession.id, outcome: 'succeeded' },
      detail: { deviceId: 'dev-1', clientId: 'dev-1' },
    });
    expect((await ask(url, { method: 'POST' })).statusCode).toBe(404);
    expect((await ask(`/v1/sessions/${aSession.id}`)).statusCode).toBe(404);
  });

  it('are none while devices can not connect yet', async () => {
    const { ask } = await scene({ options: { sessions: () => undefined } });
    expect((await ask('/v1/sessions')).json()).toEqual({ sessions: [] });
    expect((await ask(`/v1/sessions/${aSession.id}/disconnect`, { method: 'POST' })).statusCode).toBe(404);
  });
});

describe('the gateway', () => {
  it('shows its settings as they were given, masked', async () => {
    const { ask } = await scene();
    expect((await ask('/v1/configuration')).json()).toEqual({ kafka: { sasl: { password: '***' } } });
  });

  it('changes the level of its log, for good or for a while', async () => {
    const { ask, log, seen } = await scene();
    expect((await ask('/v1/log-level')).json()).toEqual({ level: 'info', configured: 'info' });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const set = (payload: object) => ask('/v1/log-level', { method: 'PUT', payload });
      expect((await set({ level: 'debug', forSeconds: 60 })).json()).toMatchObject({
        ...{ level: 'debug', configured: 'info' },
        until: expect.any(String),
      });
      expect(log.level).toBe('debug');
      vi.advanceTimersByTime(60_000);
      expect(log.level).toBe('info');
      await set({ level: 'debug', forSeconds: 60 });
      await set({ level: 'warn' });
      vi.advanceTimersByTime(60_000);
      expect(log.level).toBe('warn');
      expect(seen.of('logLevelChanged').map(([level]) => level)).toEqual(['debug', 'info', 'debug', 'warn']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('serves a document that says of each operation which scope it needs', async () => {
    const { ask } = await scene();
    const answer = await ask('/openapi.json');
    expect(answer.statusCode).toBe(200);
    type Operation = { operationId: string; security: { token: string[] }[]; responses: Record<string, object> };
    const { openapi, paths, components } = answer.json<{
      openapi: string;
      paths: Record<string, Record<string, Operation>>;
      components: { securitySchemes: object };
    }>();
    expect(openapi).toBe('3.1.0');
    expect(components.securitySchemes).toMatchObject({ token: { type: 'http', scheme: 'bearer' } });
    const operations = Object.values(paths).flatMap((path) => Object.values(path));
    const scopes = Object.fromEntries(operations.map(({ operationId, security }) => [operationId, security]));
    expect(scopes).toEqual({
      listDevices: [{ token: ['read'] }],
      getDevice: [{ token: ['read'] }],
      createDevice: [{ token: ['admin'] }],
      removeDevice: [{ token: ['admin'] }],
      changeDevice: [{ token: ['operate'] }],
      rotateSecret: [{ token: ['admin'] }],
      importDevices: [{ token: ['admin'] }],
      listSessions: [{ token: ['read'] }],
      getSession: [{ token: ['read'] }],
      disconnectSession: [{ token: ['operate'] }],
      getConfiguration: [{ token: ['read'] }],
      getLogLevel: [{ token: ['read'] }],
      setLogLevel: [{ token: ['operate'] }],
      getDocument: [{ token: ['read'] }],
    });
    for (const { responses } of operations) expect(Object.keys(responses)).toContain('4XX');
  });
});
