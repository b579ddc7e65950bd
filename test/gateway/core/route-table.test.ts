import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultRoutes } from '../../../gateway/core/default-routes.ts';
import { RouteError, type RouteSettings } from '../../../gateway/core/route.ts';
import { RouteTable } from '../../../gateway/core/route-table.ts';
import { TopicPattern } from '../../../gateway/core/topic-pattern.ts';

const raw: RouteSettings = {
  pattern: 'a/{id}/b',
  format: 'raw',
  kafkaTopic: 't',
  key: 'topic:id',
  deviceKind: 'vehicle',
  subject: 'id',
  eventType: 'e',
};
const protobuf: RouteSettings = { ...raw, format: 'protobuf', message: 'm', schema: 's' };

/** What the construction of a table says is wrong. */
function problemOf(...settings: RouteSettings[]): string {
  try {
    new RouteTable(settings);
    return 'nothing';
  } catch (error) {
    expect(error).toBeInstanceOf(RouteError);
    expect(error).toMatchObject({ code: 'invalid_route' });
    return (error as RouteError).message;
  }
}

describe('a route table', () => {
  const table = new RouteTable(defaultRoutes);
  const matched = (topic: string) => {
    const match = table.match(topic);
    return match && [match.route.settings.pattern, ...match.levels];
  };

  it('finds the route of a topic and the values of its named levels', () => {
    expect(matched('v1/vehicles/veh-7/telemetry')).toEqual(['v1/vehicles/{vehicleId}/telemetry', 'veh-7']);
    expect(matched('v1/vehicles/veh-7/telemetry/batch')).toEqual(['v1/vehicles/{vehicleId}/telemetry/batch', 'veh-7']);
    expect(matched('v1/bays/b/events')).toEqual(['v1/bays/{bayId}/events', 'b']);
    expect(matched('v1/vehicles/v/commands/c/ack')).toEqual([
      'v1/vehicles/{vehicleId}/commands/{commandId}/ack',
      'v',
      'c',
    ]);
  });

  it.each([
    'v1/vehicles/veh-7/telemetryx',
    'v1/vehicles/veh-7/telemetry/batch/x',
    'v1/vehicles/veh-7/x/telemetry',
    'v1/vehicles//telemetry',
    '/v1/vehicles/veh-7/telemetry',
    'V1/vehicles/veh-7/telemetry',
    'v1/vehicles/veh-7/commands//ack',
    'v1/vehicles/veh-7/commands',
  ])('finds none for %s', (topic) => {
    expect(matched(topic)).toBeUndefined();
  });
});

describe('a topic pattern', () => {
  const literal = fc.stringMatching(/^[a-c]{0,2}$/);
  const levels = fc.array(fc.oneof(literal, fc.constant('{}')), { minLength: 1, maxLength: 4 });
  const patternText = levels
    .map((list) => list.map((level, index) => (level === '{}' ? `{n${index}}` : level)).join('/'))
    .filter((text) => text !== '');
  const topic = fc.array(literal, { minLength: 1, maxLength: 5 }).map((list) => list.join('/'));

  /** The obvious way to say what a pattern means. */
  function asRegExp(text: string): RegExp {
    return new RegExp(`^${text.replace(/\{\w+\}/g, '([^/]+)')}$`);
  }

  it('matches what a regular expression would, with the same values', () => {
    fc.assert(
      fc.property(patternText, topic, (text, candidate) => {
        const expected = asRegExp(text).exec(candidate)?.slice(1);
        expect(new TopicPattern(text).match(candidate)).toEqual(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it('matches the topic that its own values make', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('/'));
    fc.assert(
      fc.property(patternText, fc.array(value, { minLength: 4, maxLength: 4 }), (text, values) => {
        const pattern = new TopicPattern(text);
        const used = values.slice(0, pattern.names.length);
        let next = 0;
        const made = text.replace(/\{\w+\}/g, () => used[next++] as string);
        expect(pattern.match(made)).toEqual(used);
      }),
    );
  });

  it('overlaps another exactly if a topic matches both', () => {
    const small = fc.constantFrom('a', 'b', '');
    const candidates = ['a', 'b', ''].flatMap((x) => ['a', 'b', ''].map((y) => `${x}/${y}`));
    const pair = fc
      .tuple(fc.oneof(small, fc.constant('{x}')), fc.oneof(small, fc.constant('{y}')))
      .map((parts) => new TopicPattern(parts.join('/')));
    fc.assert(
      fc.property(pair, pair, (one, other) => {
        const both = candidates.some((text) => one.match(text) !== undefined && other.match(text) !== undefined);
        expect(one.overlaps(other)).toBe(both);
        expect(other.overlaps(one)).toBe(both);
      }),
    );
  });
});

describe('contradictory settings are refused, naming the route:', () => {
  it.each<[string, RouteSettings[], string]>([
    ['no pattern', [{ ...raw, pattern: '' }], 'route "": level "" is neither literal text nor a {name}'],
    [
      'a wildcard',
      [{ ...raw, pattern: 'a/+/{id}' }],
      'route "a/+/{id}": level "+" is neither literal text nor a {name}',
    ],
    [
      'half a name',
      [{ ...raw, pattern: 'a/x{id}' }],
      'route "a/x{id}": level "x{id}" is neither literal text nor a {name}',
    ],
    ['a name twice', [{ ...raw, pattern: '{id}/{id}' }], 'route "{id}/{id}": level {id} occurs twice'],
    [
      'a subject that is no level',
      [{ ...raw, subject: 'x' }],
      'route "a/{id}/b": subject names the level {x}, which the pattern lacks',
    ],
    [
      'a key that is no level',
      [{ ...raw, key: 'topic:x' }],
      'route "a/{id}/b": key "topic:x" names the level {x}, which the pattern lacks',
    ],
    [
      'a key of the payload of a raw route',
      [{ ...raw, key: 'payload:x' }],
      'route "a/{id}/b": key "payload:x" names the field "x", but a raw payload has none',
    ],
    [
      'a key in another syntax',
      [{ ...raw, key: 'id' }],
      'route "a/{id}/b": key "id" is not made of topic:LEVEL and payload:FIELD, separated by |',
    ],
    [
      'an alternative key that is empty',
      [{ ...raw, key: 'topic:id|' }],
      'route "a/{id}/b": key "topic:id|" is not made of topic:LEVEL and payload:FIELD, separated by |',
    ],
    [
      'a message for raw bytes',
      [{ ...raw, message: 'm' }],
      'route "a/{id}/b": setting message has no meaning for format raw',
    ],
    ['items for raw bytes', [{ ...raw, items: 'm' }], 'route "a/{id}/b": setting items has no meaning for format raw'],
    [
      'a schema for raw bytes',
      [{ ...raw, schema: 'm' }],
      'route "a/{id}/b": setting schema has no meaning for format raw',
    ],
    [
      'protobuf without message',
      [{ ...raw, format: 'protobuf', schema: 's' }],
      'route "a/{id}/b": format protobuf needs the setting message',
    ],
    [
      'protobuf without schema',
      [{ ...raw, format: 'protobuf', message: 'm' }],
      'route "a/{id}/b": format protobuf needs the setting schema, unless its valueFormat is protobuf',
    ],
    [
      'Protobuf values as JSON',
      [{ ...raw, format: 'protobuf', message: 'm', valueFormat: 'protobuf', contentMode: 'structured' }],
      'route "a/{id}/b": contentMode structured writes JSON, so valueFormat protobuf has no meaning with it',
    ],
    [
      'a format of values for raw bytes',
      [{ ...raw, valueFormat: 'protobuf' }],
      'route "a/{id}/b": setting valueFormat has no meaning for format raw',
    ],
    ['the same pattern twice', [raw, protobuf], 'routes "a/{id}/b" and "a/{id}/b" overlap: a topic would match both'],
    [
      'overlapping patterns',
      [raw, { ...raw, pattern: '{id}/x/b' }],
      'routes "a/{id}/b" and "{id}/x/b" overlap: a topic would match both',
    ],
  ])('%s', (_, settings, problem) => {
    expect(problemOf(...settings)).toBe(problem);
  });

  it('the default routes have none', () => {
    expect(problemOf(...defaultRoutes)).toBe('nothing');
  });
});
