import { describe, expect, it } from 'vitest';
import { describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';

const rule = (fields: object = {}) => ({
  name: 'report',
  actions: ['publish'],
  kinds: ['vehicle'],
  topics: ['v1/vehicles/{boundTo}/#'],
  ...fields,
});

const problemsOf = (settings: unknown): readonly string[] => {
  const result = loadConfig({ settings, env: {} });
  return result.ok ? [] : result.errors.map(describeConfigError);
};
const problemsOfRules = (...rules: unknown[]) => problemsOf({ authorization: { rules } });

describe('rules of authorization in the settings', () => {
  it('are taken as they are, an effect that is left out being to allow', () => {
    const result = loadConfig({ settings: { authorization: { rules: [rule({ groups: ['pilot'] })] } }, env: {} });
    if (!result.ok) throw new Error(JSON.stringify(result.errors));
    expect(result.config.authorization.rules).toEqual([{ ...rule(), effect: 'allow', groups: ['pilot'] }]);
  });

  it('are left out unless they are given', () => {
    const result = loadConfig({ settings: {}, env: {} });
    expect(result.ok && result.config.authorization).toEqual({ rulesFile: '', watchSeconds: 2 });
  });

  it.each<[string, object, string]>([
    [
      '# before the end',
      { topics: ['v1/#/telemetry'] },
      'authorization.rules[0].topics[0]: "v1/#/telemetry" # stands before other levels; it can only be the last one',
    ],
    [
      'a placeholder that there is not',
      { topics: ['v1/vehicles/{clientId}/#'] },
      'authorization.rules[0].topics[0]: "v1/vehicles/{clientId}/#" {clientId} is no placeholder; known are {deviceId}, {boundTo}, {kind}',
    ],
    [
      'a topic of no route',
      { topics: ['v1/vehicles/{boundTo}/doors'] },
      'authorization.rules[0].topics[0]: "v1/vehicles/{boundTo}/doors" could never apply: no route for vehicle has such a topic',
    ],
    ['no action', { actions: [] }, 'authorization.rules[0].actions: [] is not allowed; allowed: a list of at least 1'],
    [
      'a group that no device can be in',
      { groups: ['a b'] },
      'authorization.rules[0].groups[0]: "a b" is not allowed; allowed: 1 to 128 characters without white space and comma',
    ],
    [
      'a name of two lines',
      { name: 'a\nb' },
      'authorization.rules[0].name: "a\\nb" is not allowed; allowed: up to 128 characters in one line',
    ],
  ])('with %s are refused with what is wrong and where', (_what, fields, problem) => {
    expect(problemsOfRules(rule(fields))).toEqual([problem]);
  });

  it('are refused all together', () => {
    const rules = [rule({ topics: ['#/a', 'a+'] }), rule({ topics: ['v1/{x}'] })];
    expect(problemsOfRules(...rules)).toHaveLength(4);
  });

  it('do not stand beside a file of rules', () => {
    expect(problemsOf({ authorization: { rules: [rule()], rulesFile: 'rules.yaml' } })).toEqual([
      expect.stringMatching(/^authorization\.rulesFile: .* nothing beside authorization\.rules/),
    ]);
  });
});

describe('the key of a vehicle’s route', () => {
  const route = {
    pattern: 'own/{fleetId}/{vehicleId}',
    format: 'raw',
    kafkaTopic: 'own',
    deviceKind: 'vehicle',
    subject: 'vehicleId',
    eventType: 'own.v1',
  };

  it('is the vehicle', () => {
    expect(problemsOf({ routes: [{ ...route, key: 'topic:vehicleId' }] })).toEqual([]);
  });

  it('is refused when it could be that of another one', () => {
    expect(problemsOf({ routes: [{ ...route, key: 'topic:fleetId' }] })).toEqual([
      'routes[0].key: "topic:fleetId" contradicts another setting; needed: topic:vehicleId or payload:vehicleId: a vehicle\'s records have its own key',
    ]);
    expect(problemsOf({ routes: [{ ...route, key: 'topic:vehicleId|topic:fleetId' }] })).toHaveLength(1);
  });

  it('may be anything of a bay, whose events are kept with those of the vehicle that stands in it', () => {
    expect(problemsOf({ routes: [{ ...route, deviceKind: 'bay', key: 'topic:fleetId' }] })).toEqual([]);
  });
});
