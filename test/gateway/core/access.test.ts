import { describe, expect, it } from 'vitest';
import { Access, type Denial } from '../../../gateway/core/access.ts';
import { defaultRules } from '../../../gateway/core/authorization/default-rules.ts';
import type { AuthorizationRule } from '../../../gateway/core/authorization/rule.ts';
import { RuleSet } from '../../../gateway/core/authorization/rule-set.ts';
import { defaultCommandTopic, defaultRoutes } from '../../../gateway/core/default-routes.ts';
import type { Identity } from '../../../gateway/core/identity.ts';
import { RouteTable } from '../../../gateway/core/route-table.ts';
import { anonymous, bay, vehicle } from './fixture.ts';

const table = new RouteTable(defaultRoutes);

function accessBy(rules: readonly AuthorizationRule[]) {
  const denials: Denial[] = [];
  const access = new Access(table, new RuleSet(rules), { denied: (denial) => denials.push(denial) });
  const publishing = (identity: Identity, topic: string) =>
    access.refusal(identity, topic, table.match(topic), 'publish')?.reason;
  return { access, denials, publishing };
}

const { access, denials, publishing } = accessBy(defaultRules(defaultRoutes, defaultCommandTopic));

describe.each([
  ['publishing', publishing],
  ['leaving a will', (identity: Identity, topic: string) => access.refusalOfWill(identity, topic)?.reason],
])('by default, %s', (_what, refusal) => {
  it('is allowed on the topics of the vehicle or bay that the device is bound to', () => {
    expect(refusal(vehicle, 'v1/vehicles/veh-7/telemetry')).toBeUndefined();
    expect(refusal(vehicle, 'v1/vehicles/veh-7/commands/1/ack')).toBeUndefined();
    expect(refusal(bay, 'v1/bays/bay-3/events/batch')).toBeUndefined();
  });

  it('is refused on the topics of another one', () => {
    expect(refusal(vehicle, 'v1/vehicles/veh-8/telemetry')).toBe('not_authorized');
    expect(refusal(vehicle, 'v1/bays/veh-7/events')).toBe('not_authorized');
    expect(refusal(bay, 'v1/bays/bay-4/events')).toBe('not_authorized');
  });

  it('is refused on a topic without a route, to everybody', () => {
    for (const identity of [vehicle, bay, anonymous]) {
      expect(refusal(identity, 'v1/vehicles/veh-7/commands')).toBe('no_route');
    }
  });

  it('is allowed to an anonymous client for any vehicle and bay', () => {
    expect(refusal(anonymous, 'v1/vehicles/any/telemetry')).toBeUndefined();
    expect(refusal(anonymous, 'v1/bays/any/events')).toBeUndefined();
  });
});

describe('by default, subscribing', () => {
  it('is allowed to a vehicle on the topic of its own commands, and on nothing else', () => {
    expect(access.maySubscribe(vehicle, 'v1/vehicles/veh-7/commands')).toBe(true);
    for (const filter of [
      'v1/vehicles/veh-8/commands',
      'v1/vehicles/+/commands',
      'v1/vehicles/veh-7/#',
      'v1/vehicles/veh-7/commands/#',
      'v1/vehicles/veh-7/telemetry',
      '$share/g/v1/vehicles/veh-8/commands',
      '$SYS/broker',
      '#',
      '',
    ]) {
      expect(access.maySubscribe(vehicle, filter), filter).toBe(false);
    }
  });

  it('is no way around by an id that is a wildcard', () => {
    expect(access.maySubscribe({ ...vehicle, boundTo: '+' }, 'v1/vehicles/+/commands')).toBe(false);
  });

  it('is refused to a bay', () => {
    expect(access.maySubscribe({ ...bay, boundTo: 'veh-7' }, 'v1/vehicles/veh-7/commands')).toBe(false);
  });

  it('is allowed to an anonymous client for the commands of any vehicle', () => {
    expect(access.maySubscribe(anonymous, 'v1/vehicles/veh-9/commands')).toBe(true);
    expect(access.maySubscribe(anonymous, 'v1/#')).toBe(false);
  });

  it('follows the topic of commands', () => {
    const other = accessBy(defaultRules(defaultRoutes, 'cmd/{vehicle}/{part}')).access;
    expect(other.maySubscribe(vehicle, 'cmd/veh-7/door')).toBe(true);
    expect(other.maySubscribe(vehicle, 'cmd/veh-8/door')).toBe(false);
    expect(other.maySubscribe(anonymous, 'cmd/veh-8/door')).toBe(true);
    expect(other.maySubscribe(vehicle, 'v1/vehicles/veh-7/commands')).toBe(false);
  });
});

describe('rules', () => {
  const everything: AuthorizationRule = {
    name: 'everything',
    effect: 'allow',
    actions: ['publish', 'subscribe', 'will'],
    kinds: ['vehicle', 'bay', 'anonymous'],
    topics: ['#'],
  };

  it('can never let a device speak for another one', () => {
    const by = accessBy([everything]);
    expect(by.publishing(vehicle, 'v1/vehicles/veh-7/telemetry')).toBeUndefined();
    expect(by.publishing(vehicle, 'v1/vehicles/veh-8/telemetry')).toBe('not_authorized');
    expect(by.access.refusalOfWill(vehicle, 'v1/vehicles/veh-8/telemetry')?.reason).toBe('not_authorized');
    expect(by.publishing(vehicle, 'v1/toasters/1')).toBe('no_route');
  });

  it('tell a device that it was denied, and nobody but the operator by what', () => {
    const secret = { ...everything, name: 'stolen vehicles', effect: 'deny' as const, kinds: ['vehicle' as const] };
    const by = accessBy([everything, secret]);
    const refused = by.access.refusal(
      vehicle,
      'v1/vehicles/veh-7/telemetry',
      table.match('v1/vehicles/veh-7/telemetry'),
      'publish',
    );
    expect(refused?.reason).toBe('not_authorized');
    expect(refused?.detail).not.toContain('stolen');
    expect(by.denials).toMatchObject([{ action: 'publish', reason: 'rule', rule: 'stolen vehicles' }]);
  });

  it('are exchanged as a whole, from one publish to the next', () => {
    const by = accessBy([everything]);
    expect(by.access.maySubscribe(vehicle, 'x')).toBe(true);
    by.access.use(new RuleSet([{ ...everything, actions: ['publish'] }]));
    expect(by.access.maySubscribe(vehicle, 'x')).toBe(false);
    expect(by.access.mayStaySubscribed(vehicle, 'x')).toBe(false);
    expect(by.denials, 'looking again is no denial').toHaveLength(1);
  });
});

describe('every denial', () => {
  it('is told with its reason', () => {
    denials.length = 0;
    publishing(vehicle, 'v1/nowhere');
    publishing(vehicle, 'v1/vehicles/veh-8/telemetry');
    access.refusalOfWill(vehicle, 'v1/vehicles/veh-8/telemetry');
    access.maySubscribe(vehicle, '#');
    expect(denials).toEqual([
      { action: 'publish', reason: 'no_route', identity: vehicle, topic: 'v1/nowhere', rule: '' },
      { action: 'publish', reason: 'not_bound', identity: vehicle, topic: 'v1/vehicles/veh-8/telemetry', rule: '' },
      { action: 'will', reason: 'not_bound', identity: vehicle, topic: 'v1/vehicles/veh-8/telemetry', rule: '' },
      { action: 'subscribe', reason: 'no_rule', identity: vehicle, topic: '#', rule: '' },
    ]);
  });
});
