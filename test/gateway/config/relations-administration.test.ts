import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../gateway/config/load.ts';

const files = { certFile: '/c.pem', keyFile: '/c.key' };

const errorsOf = (administration: object, others: object = {}) => {
  const result = loadConfig({ settings: { administration: { enabled: true, ...administration }, ...others }, env: {} });
  return result.ok ? [] : result.errors.map(({ code, setting }) => `${code} ${setting}`);
};

describe('the settings of administration', () => {
  it('are off by default, and then contradict nothing', () => {
    const result = loadConfig({ settings: {}, env: {} });
    expect(result.ok && result.config.administration).toMatchObject({ enabled: false, host: '127.0.0.1' });
    expect(errorsOf({ enabled: false, host: '0.0.0.0', port: 1883 })).toEqual([]);
  });

  it('serve plain HTTP on the loopback only, unless somebody says so, or with TLS', () => {
    expect(errorsOf({})).toEqual([]);
    expect(errorsOf({ host: '0.0.0.0' })).toEqual(['contradiction administration.host']);
    expect(errorsOf({ host: '0.0.0.0', allowPlaintext: true })).toEqual([]);
    expect(errorsOf({ host: '0.0.0.0', tls: files })).toEqual([]);
    expect(errorsOf({ tls: files, allowPlaintext: true })).toEqual(['contradiction administration.allowPlaintext']);
  });

  it('want a port of their own', () => {
    expect(errorsOf({ port: 1883 })).toEqual(['contradiction administration.port']);
    expect(errorsOf({ port: 9464 })).toEqual(['contradiction administration.port']);
    expect(errorsOf({ port: 0 }, { admin: { port: 0 } })).toEqual([]);
  });

  it('want a topic of their own for audit records, by the rule for names', () => {
    expect(errorsOf({ audit: { topic: 'gateway.audit' } })).toEqual([]);
    for (const topic of ['veh.events.raw', 'veh.events.raw.dlq', 'veh.commands.status', '..']) {
      expect(errorsOf({ audit: { topic } })).toEqual(['contradiction administration.audit.topic']);
    }
    expect(errorsOf({ audit: { topic: 'no spaces' } })).toEqual(['wrong_value administration.audit.topic']);
    expect(errorsOf({ audit: { topic: 'audit' } }, { topicNaming: '{domain}.{entity}.{event}' })).toContain(
      'contradiction administration.audit.topic',
    );
  });
});
