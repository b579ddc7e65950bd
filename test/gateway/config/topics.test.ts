import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../gateway/config/load.ts';
import { topicNaming } from '../../../gateway/config/topic-naming.ts';

const load = (settings: object) => {
  const result = loadConfig({ settings, env: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
};
const errorsOf = (settings: object) => {
  const result = loadConfig({ settings, env: {} });
  return result.ok ? [] : result.errors.map(({ code, setting }) => `${code} ${setting}`);
};
const topicOf = (settings: object, pattern: string) =>
  load(settings).routes.find((route) => route.pattern === pattern)?.kafkaTopic;

const own = {
  routes: [
    {
      ...{ pattern: 'acme/{vehicleId}/blob', format: 'raw', kafkaTopic: 'acme.blobs', key: 'topic:vehicleId' },
      ...{ deviceKind: 'vehicle', subject: 'vehicleId', eventType: 'com.acme.blob.v1' },
    },
  ],
};

describe('the topics of the default routes', () => {
  it('are one for all events of devices, unless they are told apart', () => {
    const topics = load({}).routes.map(({ kafkaTopic }) => kafkaTopic);
    expect(new Set(topics)).toEqual(new Set(['veh.events.raw', 'veh.commands.status']));
  });

  it('may be one for each type, of single events and of batches', () => {
    const eventTopics = {
      ...{ telemetry: 'vehicles.telemetry', battery: 'vehicles.battery_status', diagnostics: 'vehicles.diagnostics' },
      ...{ incidents: 'vehicles.incidents', bays: 'bays.occupancy' },
    };
    const settings = { eventTopics };
    for (const [level, topic] of [
      ['telemetry', 'vehicles.telemetry'],
      ['battery', 'vehicles.battery_status'],
      ['diagnostics', 'vehicles.diagnostics'],
      ['incidents', 'vehicles.incidents'],
    ]) {
      expect(topicOf(settings, `v1/vehicles/{vehicleId}/${level}`)).toBe(topic);
      expect(topicOf(settings, `v1/vehicles/{vehicleId}/${level}/batch`)).toBe(topic);
    }
    expect(topicOf(settings, 'v1/bays/{bayId}/events')).toBe('bays.occupancy');
    expect(topicOf(settings, 'v1/vehicles/{vehicleId}/commands/{commandId}/ack')).toBe('veh.commands.status');
  });

  it('can be named one by one, also in the environment', () => {
    const result = loadConfig({ env: { EDGE_EVENT_TOPICS_BATTERY: 'vehicles.battery_status' } });
    const routes = result.ok ? result.config.routes : [];
    expect(routes.filter(({ kafkaTopic }) => kafkaTopic === 'vehicles.battery_status')).toHaveLength(2);
  });

  it('have no effect on routes of your own, and say so', () => {
    expect(errorsOf({ ...own, eventTopics: { battery: 'vehicles.battery_status' } })).toEqual([
      'contradiction eventTopics.battery',
    ]);
    expect(load(own).routes.map(({ kafkaTopic }) => kafkaTopic)).toEqual(['acme.blobs']);
  });
});

describe('the names of topics', () => {
  const topicNames = '{domain}.{entity}.{event}[.v{version}]';
  const allThree = {
    eventTopics: Object.fromEntries(
      ['telemetry', 'battery', 'diagnostics', 'incidents', 'bays'].map((name) => [name, `fleet.devices.${name}.v1`]),
    ),
    deadLetterTopic: 'fleet.devices.rejected',
  };

  it('may be any that Kafka takes, unless a pattern is set', () => {
    expect(errorsOf({ deadLetterTopic: 'DLQ_1' })).toEqual([]);
  });

  it('are held against the pattern, each under its setting', () => {
    expect(errorsOf({ ...allThree, topicNaming: topicNames })).toEqual([]);
    expect(errorsOf({ ...allThree, topicNaming: topicNames, deadLetterTopic: 'dead' })).toEqual([
      'contradiction deadLetterTopic',
    ]);
    const connectivity = { enabled: true, topic: 'connectivity' };
    expect(errorsOf({ ...allThree, topicNaming: topicNames, connectivity })).toEqual([
      'contradiction connectivity.topic',
    ]);
    expect(errorsOf({ ...allThree, ...own, eventTopics: {}, topicNaming: topicNames })).toEqual([
      'contradiction routes[0].kafkaTopic',
    ]);
  });

  it.each(['{domain', 'domain}', '[a', 'a]', '[[a]]', '{}', '{a b}'])('need a pattern that is one: %s', (pattern) => {
    expect(errorsOf({ topicNaming: pattern })).toEqual(['wrong_value topicNaming']);
  });

  it.each([
    ['{domain}.{entity}.{event}', 'veh.events.raw', true],
    ['{domain}.{entity}.{event}', 'veh.events', false],
    ['{domain}.{entity}.{event}', 'veh.events.raw.dlq', false],
    ['{domain}.{entity}.{event}', 'veh..raw', false],
    ['{domain}.{entity}.{event}', 'Veh.events.raw', false],
    ['{domain}.{entity}.{event}[.v{version}]', 'veh.events.raw', true],
    ['{domain}.{entity}.{event}[.v{version}]', 'veh.events.raw.v2', true],
    ['{domain}.{entity}.{event}[.v{version}]', 'veh.events.raw.two', false],
    ['{domain}.{entity}', 'vehicles.battery_status', true],
    ['fleet-{name}', 'fleet-a', true],
    ['fleet-{name}', 'fleetXa', false],
    ['a.b', 'aXb', false],
  ])('like %s: %s is %s', (pattern, name, isLike) => {
    expect(topicNaming(pattern)?.test(name)).toBe(isLike);
  });
});

describe('connectivity events', () => {
  it('are off unless they are switched on', () => {
    expect(load({}).connectivity).toMatchObject({ enabled: false, topic: 'veh.events.raw' });
  });

  it('do not go to the dead letters', () => {
    expect(errorsOf({ connectivity: { enabled: true, topic: 'veh.events.raw.dlq' } })).toEqual([
      'contradiction connectivity.topic',
    ]);
  });
});
