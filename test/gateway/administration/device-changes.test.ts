import { describe, expect, it } from 'vitest';
import { scene } from './support.ts';

const fingerprint = 'ab'.repeat(32);
const device = {
  deviceId: 'dev-1',
  kind: 'vehicle',
  boundTo: 'veh-1',
  secretHash: 'x',
  enabled: true,
  createdAtMs: 1,
  rotatedAtMs: undefined,
  groups: ['depot-7', 'pilot'],
  certificateFingerprint: fingerprint,
} as const;
/** What is shown of it, and may be changed. */
const { kind, boundTo, enabled, groups, certificateFingerprint } = device;
const rights = { kind, boundTo, enabled, groups, certificateFingerprint };

const changing = async () => {
  const made = await scene();
  await made.registry.add(device);
  const patch = (
    payload: object | string,
    { token, type = 'application/json' }: { token?: string; type?: string } = {},
  ) => made.ask('/v1/devices/dev-1', { method: 'PATCH', payload, headers: { 'content-type': type }, token });
  return { ...made, patch };
};

describe('a change of a device', () => {
  it('is made of all that is named at once, and ends what was granted before', async () => {
    const { patch, registry, sessions } = await changing();
    const digits = Array.from({ length: 32 }, () => 'CD').join(':');
    const wanted = { enabled: false, kind: 'bay', boundTo: 'bay-1', groups: ['night', 'day', 'day'] };
    const answer = await patch({ ...wanted, certificateFingerprint: digits });
    expect(answer.statusCode).toBe(200);
    const now = { ...wanted, groups: ['day', 'night'], certificateFingerprint: 'cd'.repeat(32) };
    expect(answer.json()).toEqual({
      device: { deviceId: 'dev-1', ...now, createdAt: expect.any(String) },
      sessionsEnded: 1,
    });
    expect(await registry.find('dev-1')).toMatchObject({ ...now, secretHash: 'x' });
    expect(sessions.present).toBeUndefined();
  });

  it.each<[object, object]>([
    [{ boundTo: 'veh-2' }, { boundTo: 'veh-2' }],
    [
      { kind: 'bay', boundTo: 'bay-1' },
      { kind: 'bay', boundTo: 'bay-1' },
    ],
    [{ groups: ['night'] }, { groups: ['night'] }],
    [{ groups: [] }, { groups: [] }],
    [{ groups: null }, { groups: [] }],
    [{ certificateFingerprint: 'CD'.repeat(32) }, { certificateFingerprint: 'cd'.repeat(32) }],
    [{ certificateFingerprint: null }, { certificateFingerprint: undefined }],
    [{ enabled: false }, { enabled: false }],
  ])('%j leaves what it does not name', async (wanted, changed) => {
    const { patch, registry } = await changing();
    expect((await patch(wanted, { type: 'application/merge-patch+json' })).statusCode).toBe(200);
    expect(await registry.find('dev-1')).toMatchObject({ ...rights, ...changed });
  });

  it.each([
    ['nothing', {}],
    ['no object', '[]'],
    ['null', 'null'],
    ['null for a kind', { kind: null }],
    ['null for a binding', { boundTo: null }],
    ['null for whether it may connect', { enabled: null }],
    ['a kind that there is not', { kind: 'tram' }],
    ['a path for a binding', { boundTo: '../veh-2' }],
    ['a wildcard for a binding', { boundTo: '+' }],
    ['a group that is none', { groups: ['two words'] }],
    ['one text for groups', { groups: 'pilot' }],
    ['too many groups', { groups: Array.from({ length: 33 }, (_, index) => `g-${index}`) }],
    ['a fingerprint that is none', { certificateFingerprint: 'abc' }],
    ['no fingerprint in other words', { certificateFingerprint: '' }],
    ['another id', { deviceId: 'dev-2' }],
    ['a secret', { secret: 'hunter2' }],
    ['a hash', { boundTo: 'veh-2', secretHash: 'scrypt$1' }],
    ['a key __proto__', '{"__proto__":{"enabled":false},"boundTo":"veh-2"}'],
    ['a constructor', '{"constructor":{"prototype":{"x":1}},"boundTo":"veh-2"}'],
  ])('that names %s is refused as a whole', async (_what, payload) => {
    for (const type of ['application/json', 'application/merge-patch+json']) {
      const { patch, registry, records, sessions } = await changing();
      const answer = await patch(payload, { type });
      expect([answer.statusCode, answer.headers['content-type']]).toEqual([400, 'application/problem+json']);
      expect(await registry.find('dev-1')).toMatchObject({ ...rights, revision: 0 });
      expect(sessions.present).toBeDefined();
      expect(records().at(-1)).toMatchObject({ action: 'device.change', outcome: 'refused', status: 400 });
      expect(answer.body).not.toContain('hunter2');
    }
  });

  it('in the words of a JSON Patch (RFC 6902) is not taken', async () => {
    const { patch } = await changing();
    const operations = '[{"op":"replace","path":"/boundTo","value":"veh-2"}]';
    expect((await patch(operations, { type: 'application/json-patch+json' })).statusCode).toBe(415);
  });

  it('is on record with what it was from and to', async () => {
    const { patch, records } = await changing();
    await patch({ boundTo: 'veh-2', groups: null, certificateFingerprint: 'cd'.repeat(32), enabled: true });
    const wanted = { enabled: true, boundTo: 'veh-2', groups: '', certificateFingerprint: 'cd'.repeat(32) };
    expect(records().at(-2)?.detail, 'should nobody know how it ends').toEqual(wanted);
    expect(records().slice(-2)).toMatchObject([
      { action: 'device.change', target: 'dev-1', outcome: 'attempted' },
      { action: 'device.change', target: 'dev-1', outcome: 'succeeded' },
    ]);
    expect(records().at(-1)?.detail).toEqual({
      ...{ enabled: true, enabledBefore: true, boundTo: 'veh-2', boundToBefore: 'veh-1' },
      ...{ groups: '', groupsBefore: 'depot-7 pilot' },
      ...{ certificateFingerprint: 'cd'.repeat(32), certificateFingerprintBefore: fingerprint },
      sessionsEnded: 1,
    });
  });

  it('is on record with all its groups, however many there are', async () => {
    const { patch, records } = await changing();
    const most = Array.from({ length: 32 }, (_, index) => `group-${String(index).padStart(58, '0')}`);
    await patch({ groups: most });
    expect(records().at(-1)).toMatchObject({ detail: { groups: most.join(' ') } });
  });

  it.each([
    [{ boundTo: 'veh-2' }, 'boundTo'],
    [{ kind: 'bay' }, 'kind'],
    [{ groups: null }, 'groups'],
    [{ certificateFingerprint: null }, 'certificateFingerprint'],
    [{ enabled: true, groups: ['all'], boundTo: 'veh-2' }, 'boundTo groups'],
  ])('%j needs admin, and is denied on record to who may disable devices', async (payload, wanted) => {
    const { patch, registry, records, sessions, seen, tokens } = await changing();
    const answer = await patch(payload, { token: tokens.operate });
    expect(answer.statusCode).toBe(403);
    expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope", scope="admin"');
    expect(await registry.find('dev-1')).toMatchObject({ ...rights, revision: 0 });
    expect(sessions.present).toBeDefined();
    expect(records().filter(({ action }) => action === 'device.change')).toMatchObject([
      {
        ...{ outcome: 'denied', status: 403, actor: { name: 'operate-user', scope: 'operate' } },
        detail: { reason: 'insufficient_scope', wanted },
      },
    ]);
    expect(seen.of('denied')).toHaveLength(1);
  });
});
