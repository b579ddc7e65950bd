import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../gateway/config/load.ts';
import { neededAcls, type Purpose } from '../../../topics/acls/needed.ts';

function needed(purpose: Purpose, settings: object = {}, idempotentWrite = false): string[] {
  const result = loadConfig({ settings, env: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  const acls = neededAcls(result.config, purpose, idempotentWrite);
  return acls.map(({ operation, resource, name }) => `${operation} ${resource} ${name}`);
}

const gateway = { kind: 'gateway' } as const;

describe('the least permissions', () => {
  it('let the gateway write its topics, and nothing else', () => {
    const acls = needed(gateway);
    for (const topic of ['veh.events.raw', 'veh.events.raw.dlq']) {
      expect(acls).toContain(`Write topic ${topic}`);
      expect(acls).toContain(`Describe topic ${topic}`);
      expect(acls).toContain(`DescribeConfigs topic ${topic}`);
    }
    expect(acls.filter((acl) => !/^(Write|Describe|DescribeConfigs) topic /.test(acl))).toEqual([]);
    expect(new Set(acls).size).toBe(acls.length);
  });

  it('follow the settings: topics that are switched on, creation of topics, old brokers', () => {
    expect(needed(gateway)).not.toContain('Write topic alerts');
    expect(needed(gateway, { alerts: { enabled: true } })).toContain('Write topic alerts');
    expect(needed(gateway, { deadLetterTopic: 'other.dlq' })).toContain('Write topic other.dlq');
    expect(needed(gateway, { kafka: { createTopics: { enabled: true } } })).toContain('Create topic veh.events.raw');
    expect(needed(gateway, {}, true)).toContain('IdempotentWrite cluster kafka-cluster');
  });

  it('let a replay of dead letters read, too', () => {
    const acls = needed({ kind: 'dead-letters' });
    expect(acls).toContain('Read topic veh.events.raw.dlq');
    expect(acls).toContain('Write topic veh.events.raw.dlq');
    expect(acls).toContain('Read topic veh.events.raw');
  });

  it('let a replay write only where it copies to', () => {
    expect(needed({ kind: 'replay', from: 'a', to: 'b' })).toEqual([
      'Read topic a',
      'Describe topic a',
      'Read topic b',
      'Describe topic b',
      'Write topic b',
      'DescribeConfigs topic b',
    ]);
  });
});
