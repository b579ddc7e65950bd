import { describe, expect, it } from 'vitest';
import type { ActualAcl } from '../../../topics/acls/cluster.ts';
import { stateOf } from '../../../topics/acls/compare.ts';
import type { NeededAcl, Operation } from '../../../topics/acls/needed.ts';

const rule = (change: Partial<ActualAcl>): ActualAcl => ({
  resource: 'topic',
  name: 'veh.events.raw',
  pattern: 'literal',
  principal: 'User:gateway',
  host: '*',
  operation: 'Write',
  allows: true,
  ...change,
});
const need = (operation: Operation): NeededAcl => ({ resource: 'topic', name: 'veh.events.raw', operation, why: '' });
const state = (operation: Operation, ...rules: Partial<ActualAcl>[]): string =>
  stateOf(need(operation), 'User:gateway', rules.map(rule));

describe('a permission', () => {
  it.each([
    ['of its own', {}],
    ['of all operations', { operation: 'All' }],
    ['of all topics', { name: '*' }],
    ['of topics that begin so', { name: 'veh.', pattern: 'prefixed' }],
    ['of everybody', { principal: 'User:*' }],
  ] as const)('is there by a rule %s', (_name, change) => {
    expect(state('Write', change)).toBe('there');
  });

  it.each([
    ['for somebody else', { principal: 'User:other' }],
    ['for one host', { host: '10.0.0.1' }],
    ['for another topic', { name: 'veh.events' }],
    ['for topics that begin otherwise', { name: 'veh.events.raw.', pattern: 'prefixed' }],
    ['for the cluster', { resource: 'cluster' }],
    ['for another operation', { operation: 'Read' }],
  ] as const)('is missing when the rule is %s', (_name, change) => {
    expect(state('Write', change)).toBe('missing');
  });

  it('to describe comes with reading and writing', () => {
    expect(state('Describe', {})).toBe('there');
    expect(state('DescribeConfigs', {})).toBe('missing');
    expect(state('Describe', { operation: 'Create' })).toBe('missing');
  });

  it('is denied by a rule that forbids, whatever others allow', () => {
    expect(state('Write', {}, { allows: false })).toBe('denied');
    expect(state('Write', {}, { allows: false, operation: 'All', principal: 'User:*' })).toBe('denied');
    expect(state('Write', {}, { allows: false, operation: 'Read' })).toBe('there');
  });
});
