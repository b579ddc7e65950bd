import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { explain } from '../../gateway/authorize-command/explain.ts';
import { defaultRules } from '../../gateway/core/authorization/default-rules.ts';
import type { AuthorizationRule } from '../../gateway/core/authorization/rule.ts';
import { defaultCommandTopic, defaultRoutes } from '../../gateway/core/default-routes.ts';
import { bay, vehicle } from './core/fixture.ts';

const byDefault = defaultRules(defaultRoutes, defaultCommandTopic);
const stolen: AuthorizationRule = {
  name: 'stolen vehicles',
  effect: 'deny',
  actions: ['publish', 'subscribe'],
  kinds: ['vehicle'],
  groups: ['stolen'],
  topics: ['#'],
};

describe('an explanation', () => {
  const ask = (action: 'publish' | 'subscribe' | 'will', topic: string, identity = vehicle, more = [stolen]) =>
    explain({ action, topic, identity }, [...byDefault, ...more], defaultRoutes);

  it('names the rule that allows', () => {
    expect(ask('publish', 'v1/vehicles/veh-7/telemetry')).toEqual({
      allowed: true,
      reason: 'rule',
      rule: 'a vehicle reports for itself',
      ruleTopic: 'v1/vehicles/{boundTo}/telemetry',
      text: 'allowed: the rule "a vehicle reports for itself" allows it by v1/vehicles/{boundTo}/telemetry',
    });
  });

  it('names the rule that denies', () => {
    const identity = { ...vehicle, groups: ['stolen'] };
    expect(ask('publish', 'v1/vehicles/veh-7/telemetry', identity)).toMatchObject({
      allowed: false,
      text: 'denied: the rule "stolen vehicles" denies it by #',
    });
    expect(ask('will', 'v1/vehicles/veh-7/telemetry', identity).allowed).toBe(true);
  });

  it.each([
    ['publish', 'v1/vehicles/veh-8/telemetry', 'not_bound', /bound to vehicle "veh-7".*belongs to vehicle "veh-8"/],
    ['will', 'v1/nowhere', 'no_route', /matches no route/],
    ['subscribe', 'v1/vehicles/veh-8/commands', 'no_rule', /no rule allows it/],
    ['subscribe', 'v1/vehicles/veh-7/#', 'not_offered', /wildcards are not offered/],
    ['subscribe', '$share/g/v1/vehicles/veh-7/commands', 'not_offered', /shared subscriptions are not offered/],
    ['subscribe', 'a/#/b', 'not_offered', /no topic filter/],
  ] as const)('says why to %s %s is denied', (action, topic, reason, text) => {
    const explanation = ask(action, topic);
    expect(explanation).toMatchObject({ allowed: false, reason, rule: undefined });
    expect(explanation.text).toMatch(text);
  });

  it('knows bays', () => {
    expect(ask('publish', 'v1/bays/bay-3/events', bay).allowed).toBe(true);
    expect(ask('subscribe', 'v1/vehicles/bay-3/commands', bay).allowed).toBe(false);
  });
});

describe('npm run authorize', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'authorize-'));
    writeFileSync(join(folder, 'rules.yaml'), stringify({ rules: [...byDefault, stolen] }));
    writeFileSync(join(folder, 'wrong.yaml'), stringify({ rules: [{ ...stolen, topics: ['a/#/b'] }] }));
    writeFileSync(join(folder, 'gateway.yaml'), 'authorization: { rulesFile: rules.yaml }\n');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (...args: string[]) => {
    const command = resolve(import.meta.dirname, '../../gateway/authorize-command/main.ts');
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const device = ['--kind', 'vehicle', '--bound-to', 'veh-7'];

  it('answers with its exit code, and says which rule decides', () => {
    const topic = 'v1/vehicles/veh-7/telemetry';
    expect(run('publish', topic, ...device)).toEqual({
      status: 0,
      stdout: 'allowed: the rule "a vehicle reports for itself" allows it by v1/vehicles/{boundTo}/telemetry\n',
      stderr: '',
    });
    const denied = run(
      '--config',
      'gateway.yaml',
      ...device,
      '--group',
      'a',
      '--group',
      'stolen',
      'publish',
      topic,
      '--json',
    );
    expect(denied.status).toBe(1);
    expect(JSON.parse(denied.stdout)).toEqual({
      allowed: false,
      reason: 'rule',
      rule: 'stolen vehicles',
      ruleTopic: '#',
    });
  });

  it('prints the rules that apply, fit to be given back', () => {
    const { status, stdout } = run('rules');
    expect(status).toBe(0);
    expect(parse(stdout)).toEqual({ rules: byDefault });
    writeFileSync(join(folder, 'again.yaml'), stdout);
    expect(run('rules', '--rules', 'again.yaml').stdout).toBe(stdout);
  });

  it.each([
    ['a file of rules that are wrong', ['rules', '--rules', 'wrong.yaml'], /wrong\.yaml: rules\[0\]\.topics\[0\]/],
    ['no topic', ['publish', ...device], /name the topic/],
    ['a topic with a wildcard', ['publish', 'a/+', ...device], /can't publish to a wildcard/],
    ['no kind', ['publish', 'a'], /--kind vehicle\|bay\|anonymous/],
    ['no binding', ['publish', 'a', '--kind', 'bay'], /--bound-to/],
    [
      'a binding of an anonymous client',
      ['publish', 'a', '--kind', 'anonymous', '--bound-to', 'x'],
      /leave --bound-to out/,
    ],
    ['an unknown action', ['read', 'a'], /publish, subscribe, will, rules/],
    ['an unknown option', ['publish', 'a', '--bind', 'x'], /unknown option/],
  ])('refuses %s with exit code 2', (_what, args, problem) => {
    const { status, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(problem);
  });

  it('has --help', () => {
    const { status, stdout } = run('--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(/--bound-to <id>[\s\S]*Exit codes/);
  });
});
