import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../gateway/config/load.ts';
import { telemetryDemandsOf, topicDemandsOf } from '../../gateway/topic-demands-of.ts';

const configOf = (settings: object) => {
  const result = loadConfig({ settings, env: {} });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
};
const demandsOf = (settings: object) => topicDemandsOf(configOf(settings));
const validation = { maxClockAheadSeconds: 60, maxClockBehindSeconds: 3600 };

describe('what a gateway demands of its topics', () => {
  it('names every topic that it writes to, once', () => {
    expect([...demandsOf({}).keys()]).toEqual(
      expect.arrayContaining(['veh.events.raw', 'veh.commands.status', 'veh.events.raw.dlq']),
    );
  });

  it('lets event times lie as far off as validation does', () => {
    expect(demandsOf({ validation, kafka: { maxBatchBytes: 300_000 } }).get('veh.events.raw')).toEqual({
      maxBatchBytes: 300_000,
      timestamps: { maxAheadMs: 60_000, maxBehindMs: 3_600_000 },
    });
  });

  it('adds the time that a record may lie in the spool', () => {
    const spool = { mode: 'outage', directory: '/tmp/spool', maxAgeSeconds: 600 };
    const demands = demandsOf({ validation, spool });
    expect(demands.get('veh.events.raw')?.timestamps?.maxBehindMs).toBe(4_200_000);
    expect(demands.get('veh.events.raw.dlq')?.timestamps).toEqual({ maxAheadMs: 0, maxBehindMs: 600_000 });
  });

  it('names the topic of audit records, but not among those of telemetry', () => {
    const administration = { enabled: true, audit: { topic: 'gateway.audit' } };
    expect(demandsOf({ administration }).has('gateway.audit')).toBe(true);
    expect([...telemetryDemandsOf(configOf({ administration })).keys()]).toEqual([...demandsOf({}).keys()]);
    const off = { enabled: false, audit: { topic: 'veh.events.raw' } };
    expect([...telemetryDemandsOf(configOf({ administration: off })).keys()]).toEqual([...demandsOf({}).keys()]);
  });
});
