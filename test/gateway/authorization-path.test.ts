import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { AuthorizationPath } from '../../gateway/authorization-path.ts';
import { loadConfig } from '../../gateway/config/load.ts';
import type { Identity } from '../../gateway/core/identity.ts';
import { until } from './mqtt/support.ts';
import { Captured } from './observability/captured.ts';

const vehicle: Identity = { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' };
const own = 'v1/vehicles/veh-1/telemetry';
const rule = (fields: object = {}) => ({
  name: 'report',
  actions: ['publish', 'will'],
  kinds: ['vehicle'],
  topics: ['v1/vehicles/{boundTo}/#'],
  ...fields,
});
const deny = { name: 'no more', effect: 'deny', actions: ['will'], kinds: ['vehicle'], topics: ['v1/vehicles/#'] };

/** Rules in a file of their own, or in the settings. */
function scene(place: 'file' | 'settings', first: unknown = [rule()]) {
  const folder = mkdtempSync(join(tmpdir(), 'authorization-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [settingsFile, rulesFile] = [join(folder, 'gateway.yaml'), join(folder, 'rules.yaml')];
  const put = (file: string, text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const write = (rules: unknown) =>
    place === 'file'
      ? put(rulesFile, stringify({ rules }))
      : put(settingsFile, stringify({ authorization: { rules, watchSeconds: 1 } }));
  write(first);
  if (place === 'file') put(settingsFile, stringify({ authorization: { rulesFile: 'rules.yaml', watchSeconds: 1 } }));
  const captured = new Captured('info');
  const start = () => {
    const settings = { file: settingsFile, read: () => loadConfig({ file: settingsFile, env: {} }) };
    const loaded = settings.read();
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
    const path = new AuthorizationPath(loaded.config, captured.observability.authorization, settings);
    onTestFinished(() => path.close());
    return path;
  };
  const reloads = async (result: string) =>
    (await captured.metrics()).get(`edge_authorization_reloads_total{result="${result}"}`) ?? 0;
  const refusal = () => captured.lines.find(({ event }) => event === 'authorization_rules_refused');
  return { start, write, put, settingsFile, rulesFile, captured, reloads, refusal };
}

const mayLeaveWill = (path: AuthorizationPath) => path.access.refusalOfWill(vehicle, own) === undefined;

describe.each(['file', 'settings'] as const)('rules in the %s', (place) => {
  it('apply from the start, and after SIGHUP as they are then', async () => {
    const { start, write, reloads, captured } = scene(place);
    const path = start();
    expect(path.isOwn).toBe(true);
    expect(mayLeaveWill(path)).toBe(true);
    write([rule(), deny]);
    path.reload('SIGHUP');
    expect(mayLeaveWill(path)).toBe(false);
    write([rule()]);
    path.reload('SIGHUP');
    expect(mayLeaveWill(path)).toBe(true);
    expect(await reloads('taken')).toBe(2);
    expect((await captured.metrics()).get('edge_authorization_rules')).toBe(1);
  });

  it('are taken when their file changes', async () => {
    const { start, write } = scene(place);
    const path = start();
    await path.open();
    write([rule(), deny]);
    await until(() => !mayLeaveWill(path), 'the new rules');
  });

  it.each([
    ['a pattern that is none', [rule({ topics: ['v1/#/x'] })], /rules\[0\]\.topics\[0\].*only be the last one/],
    ['an unknown placeholder', [rule({ topics: ['v1/vehicles/{vin}/#'] })], /\{vin\} is no placeholder/],
    ['a topic without a route', [rule({ topics: ['v9/{boundTo}'] })], /could never apply/],
    ['an unknown key', [rule({ effects: 'deny' })], /effects: there is no such setting; did you mean effect\?/],
    ['an unknown kind', [rule({ kinds: ['truck'] })], /kinds\[0\].*one of vehicle, bay, anonymous/],
    ['no rules at all', [], /a list of at least 1/],
  ])('stay as they were when the new ones have %s', async (_what, rules, problem) => {
    const { start, write, reloads, refusal } = scene(place, [rule(), deny]);
    const path = start();
    const before = path.access.generation;
    write(rules);
    path.reload('SIGHUP');
    expect(path.access.generation).toBe(before);
    expect(mayLeaveWill(path)).toBe(false);
    expect(await reloads('refused')).toBe(1);
    expect(refusal()?.problem).toMatch(problem);
  });

  it('that have not changed leave everything that is remembered', async () => {
    const { start, reloads } = scene(place);
    const path = start();
    const before = path.access.generation;
    path.reload('SIGHUP');
    expect(path.access.generation).toBe(before);
    expect(await reloads('taken')).toBe(0);
  });

  it('take away the subscriptions that they do not allow, and count them', async () => {
    const reading = rule({ name: 'read', actions: ['subscribe'] });
    const { start, write, captured } = scene(place, [rule(), reading]);
    const path = start();
    const live = new Set(['v1/vehicles/veh-1/commands', 'v1/vehicles/veh-1/notices']);
    path.serve((mayStay) => {
      const gone = [...live].filter((filter) => !mayStay(vehicle, filter));
      for (const filter of gone) live.delete(filter);
      return gone.length;
    });
    write([rule(), { ...reading, topics: ['v1/vehicles/{boundTo}/commands'] }]);
    path.reload('SIGHUP');
    expect([...live]).toEqual(['v1/vehicles/veh-1/commands']);
    expect((await captured.metrics()).get('edge_authorization_subscriptions_ended_total')).toBe(1);
    expect(await captured.total('edge_authorization_denied_total')).toBe(0);
  });
});

describe('a file of rules', () => {
  it('is taken also while the settings beside it are broken', async () => {
    const { start, write, put, settingsFile } = scene('file');
    const path = start();
    await path.open();
    put(settingsFile, 'kafka: { lingerMs: soon }');
    write([rule(), deny]);
    await until(() => !mayLeaveWill(path), 'the new rules');
  });

  it('that was changed between reading and watching is taken', async () => {
    const { start, write } = scene('file');
    const path = start();
    write([rule(), deny]);
    await path.open();
    expect(mayLeaveWill(path)).toBe(false);
  });

  it.each([
    ['is missing', undefined, /rules\.yaml: the rules can't be read/],
    ['is no YAML', 'rules: [', /YAML 1\.2 is needed/],
    ['is empty', '', /null is not allowed/],
    ['has a mapping where a list should be', 'rules: {}', /rules: \{\} is not allowed; allowed: a list of at least 1/],
    ['lacks what a rule must have', 'rules: [{ name: a }]', /rules\[0\]\.actions: missing/],
  ])('refuses the start when it %s, and says where', (_what, text, problem) => {
    const { start, put, rulesFile } = scene('file');
    if (text === undefined) rmSync(rulesFile);
    else put(rulesFile, text);
    expect(start).toThrowError(problem);
  });
});

describe('without rules', () => {
  it('the default ones apply', () => {
    const captured = new Captured('info');
    const loaded = loadConfig({ env: {} });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
    const path = new AuthorizationPath(loaded.config, captured.observability.authorization);
    expect(path.isOwn).toBe(false);
    expect(mayLeaveWill(path)).toBe(true);
    path.reload('SIGHUP');
    expect(captured.lines).toMatchObject([{ event: 'authorization_rules_loaded', source: 'default', rules: 5 }]);
  });
});

describe('denials', () => {
  it('are all counted, and logged no more often than can be read, on one line each', async () => {
    const { start, captured } = scene('file');
    const { access } = start();
    const forged = { ...vehicle, deviceId: 'x\r\n{"event":"forged"}' };
    for (let i = 0; i < 1000; i++) access.maySubscribe(forged, `v1/vehicles/veh-${i}/\r\n${'x'.repeat(10_000)}`);
    const name = 'edge_authorization_denied_total{action="subscribe",reason="no_rule"}';
    expect((await captured.metrics()).get(name)).toBe(1000);
    const lines = captured.lines.filter(({ event }) => event === 'authorization_denied');
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(JSON.stringify(lines[0]).length).toBeLessThan(1000);
    expect(captured.lines.some(({ event }) => event === 'forged')).toBe(false);
  });
});
