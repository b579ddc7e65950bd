import { describe, expect, it } from 'vitest';
import type { Scope } from '../../../gateway/administration/scopes.ts';
import { aSession, scene } from './support.ts';

interface Endpoint {
  readonly method: string;
  readonly url: string;
  readonly scope: Scope;
  readonly payload?: object | string;
  readonly headers?: Record<string, string>;
}

const csv = { 'content-type': 'text/csv' };
const endpoints: readonly Endpoint[] = [
  { method: 'GET', url: '/v1/devices', scope: 'read' },
  { method: 'GET', url: '/v1/devices/dev-0', scope: 'read' },
  { method: 'GET', url: '/v1/sessions', scope: 'read' },
  { method: 'GET', url: `/v1/sessions/${aSession.id}`, scope: 'read' },
  { method: 'GET', url: '/v1/configuration', scope: 'read' },
  { method: 'GET', url: '/v1/log-level', scope: 'read' },
  { method: 'GET', url: '/openapi.json', scope: 'read' },
  { method: 'PATCH', url: '/v1/devices/dev-0', scope: 'operate', payload: { enabled: true } },
  { method: 'POST', url: `/v1/sessions/${aSession.id}/disconnect`, scope: 'operate' },
  { method: 'PUT', url: '/v1/log-level', scope: 'operate', payload: { level: 'info' } },
  { method: 'POST', url: '/v1/devices', scope: 'admin', payload: { deviceId: 'd', kind: 'bay', boundTo: 'b' } },
  { method: 'POST', url: '/v1/device-imports', scope: 'admin', payload: 'device_id,kind,bound_to\n', headers: csv },
  { method: 'POST', url: '/v1/devices/dev-0/secret', scope: 'admin' },
  { method: 'DELETE', url: '/v1/devices/dev-0', scope: 'admin' },
];

const device = { deviceId: 'dev-0', kind: 'vehicle', boundTo: 'veh-0', secretHash: 'x', enabled: true } as const;
const scopes: readonly Scope[] = ['read', 'operate', 'admin'];

describe.each(endpoints)('$method $url', ({ method, url, scope, payload, headers }) => {
  const request = {
    method,
    ...(payload === undefined ? {} : { payload }),
    ...(headers === undefined ? {} : { headers }),
  };

  it.each(scopes)(`needs ${scope}, asked by %s`, async (held) => {
    const { ask, tokens, registry, records } = await scene();
    await registry.add({ ...device, createdAtMs: 1, rotatedAtMs: undefined });
    const answer = await ask(url, { ...request, token: tokens[held] });
    const isLet = scopes.indexOf(held) >= scopes.indexOf(scope);
    if (isLet) {
      expect([200, 201]).toContain(answer.statusCode);
      expect(records().filter(({ outcome }) => outcome === 'denied')).toEqual([]);
      return;
    }
    expect(answer.statusCode).toBe(403);
    expect(answer.headers['www-authenticate']).toContain(`error="insufficient_scope", scope="${scope}"`);
    expect(records().at(-1)).toMatchObject({
      ...{ outcome: 'denied', status: 403, actor: { name: `${held}-user`, scope: held } },
      detail: { reason: 'insufficient_scope' },
    });
    expect(await registry.find('dev-0')).toMatchObject(device);
    expect(await registry.count()).toBe(1);
  });

  it.each([
    ['no token', '', 'no_token'],
    ['an expired one', 'expired', 'expired_token'],
    ['a revoked one', 'revoked', 'revoked_token'],
    ['a forged one', `eig_0123456789ab_${'A'.repeat(43)}`, 'unknown_token'],
    ['something else', 'hunter2', 'malformed_token'],
  ])('lets nobody with %s', async (_what, which, reason) => {
    const { ask, tokens, registry, records } = await scene();
    await registry.add({ ...device, createdAtMs: 1, rotatedAtMs: undefined });
    const token = which === 'expired' || which === 'revoked' ? tokens[which] : which;
    const answer = await ask(url, { ...request, token });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="administration"/);
    expect(answer.json()).toMatchObject({ title: 'A valid token is needed' });
    expect(records().at(-1)).toMatchObject({ outcome: 'denied', status: 401, detail: { reason } });
    expect(await registry.count()).toBe(1);
  });
});

describe('the answer to a token that does not count', () => {
  it('is the same whatever is wrong with it', async () => {
    const { ask, tokens } = await scene();
    const wrong = `${tokens.admin.slice(0, -1)}${tokens.admin.endsWith('A') ? 'B' : 'A'}`;
    const bodies = new Set<string>();
    for (const token of [tokens.expired, tokens.revoked, wrong, 'x']) {
      const { statusCode, headers, body } = await ask('/v1/devices', { token });
      bodies.add(`${statusCode} ${String(headers['www-authenticate'])} ${body.replace(/urn:uuid:[^"]+/, '')}`);
    }
    expect(bodies.size).toBe(1);
  });
});
