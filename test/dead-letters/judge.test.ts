import { describe, expect, it } from 'vitest';
import { type CapturedRecord, CapturedRecords } from '../../dead-letters/captured-records.ts';
import { Judge, unregisteredCodecs } from '../../dead-letters/judge.ts';
import { isReplayable, type Letter, readLetter } from '../../dead-letters/letter.ts';
import { headerArray } from '../../dead-letters/notes.ts';
import { defaultConfig, loadConfig } from '../../gateway/config/load.ts';
import { DeadLetter } from '../../gateway/core/dead-letter.ts';
import { DeadLetterEncoder } from '../../gateway/core/dead-letter-encoder.ts';
import { defaultRoutes } from '../../gateway/core/default-routes.ts';
import { maxGroupBytes, maxGroups } from '../../gateway/core/identity.ts';
import { headersOf } from '../../gateway/record-batch/header-array.ts';
import { TestPublish } from '../gateway/core/fixture.ts';
import { open, TestKeys } from '../gateway/encryption/support.ts';
import { telemetryPayload } from '../support/telemetry.ts';

const dlq = defaultConfig.deadLetterTopic;
const judge = new Judge(defaultConfig, unregisteredCodecs(defaultConfig));

function letterOf(payload: Buffer, headers: Readonly<Record<string, string>> = {}): Letter {
  const all = {
    dlq_reason: 'no_route',
    dlq_device_id: 'unit-7',
    dlq_device_kind: 'vehicle',
    dlq_bound_to: 'veh-7',
    dlq_mqtt_topic: 'v1/vehicles/veh-7/telemetry',
    dlq_qos: '1',
    dlq_received_time: new Date().toISOString(),
    ...headers,
  };
  const record = {
    partition: 0,
    offset: 0,
    timestampMs: 0,
    key: Buffer.from('veh-7'),
    value: payload,
    headers: headerArray(Object.entries(all).map(([key, value]) => [key, Buffer.from(value)])),
  };
  const letter = readLetter(record, dlq);
  if (letter === undefined) throw new Error('no letter');
  return letter;
}

const headerOf = (headers: Buffer, name: string) =>
  headersOf(headers)
    .find(([key]) => key === name)?.[1]
    ?.toString();

describe('a letter that is replayed', () => {
  it('becomes the record that it would have been, received when it was, with the number of the attempt', () => {
    const letter = letterOf(telemetryPayload('veh-7', 42), { dlq_received_time: '2025-11-21T09:22:33.123Z' });
    const verdict = judge.judge(letter, 2);
    if ('rejection' in verdict) throw new Error(verdict.rejection.detail);
    const [record, ...more] = verdict.records;
    expect(more).toEqual([]);
    expect(record).toMatchObject({ topic: 'veh.events.raw', key: Buffer.from('veh-7') });
    const headers = record?.headers ?? Buffer.alloc(0);
    expect(headerOf(headers, 'ce_id')).toBe('unit-7:7:42');
    expect(headerOf(headers, 'ce_replayattempt')).toBe('2');
    expect(headerOf(headers, 'ce_receivedtime')).toBe('2025-11-21T09:22:33.123Z');
  });

  it('is rejected again, and leaves nothing, when it is still wrong', () => {
    expect(judge.judge(letterOf(Buffer.from('garbage')), 1)).toMatchObject({
      rejection: { reason: 'malformed_payload' },
    });
    const verdict = judge.judge(letterOf(telemetryPayload('veh-7', 1)), 1);
    expect('records' in verdict && verdict.records).toHaveLength(1);
  });

  it('is authorized as at first: by the device, and whom it was bound to', () => {
    const others = letterOf(telemetryPayload('veh-8', 1), { dlq_mqtt_topic: 'v1/vehicles/veh-8/telemetry' });
    expect(judge.judge(others, 1)).toMatchObject({ rejection: { reason: 'not_authorized' } });
    const inPayload = letterOf(telemetryPayload('veh-8', 1));
    expect(judge.judge(inPayload, 1)).toMatchObject({ rejection: { reason: 'wrong_identity' } });
  });

  it('is offered to Kafka as it is when it is a record that Kafka refused, if the gateway still writes there', () => {
    const refused = {
      dlq_message: 'm',
      dlq_kafka_topic: 'veh.events.raw',
      dlq_spooled_time: '2025-11-21T10:00:00.000Z',
    };
    const record = (kafkaTopic: string) => ({
      partition: 0,
      offset: 0,
      timestampMs: 0,
      key: Buffer.from('veh-7'),
      value: Buffer.from('avro'),
      headers: headerArray(
        Object.entries({
          dlq_reason: 'too_large',
          ...refused,
          dlq_kafka_topic: kafkaTopic,
          ce_id: 'a:1:2:dead-letter',
          dlq_own_ce_id: 'a:1:2',
          dlq_own_ce_time: '2025-11-21T09:00:00Z',
        }).map(([key, value]) => [key, Buffer.from(value)]),
      ),
    });
    const verdict = judge.judge(readLetter(record('veh.events.raw'), dlq) as Letter, 1);
    if ('rejection' in verdict) throw new Error(verdict.rejection.detail);
    expect(verdict.records).toMatchObject([
      { topic: 'veh.events.raw', value: Buffer.from('avro'), timestampMs: Date.parse('2025-11-21T09:00:00Z') },
    ]);
    const names = headersOf(verdict.records[0]?.headers ?? Buffer.alloc(0)).map(([key]) => key);
    expect(names).toEqual(['ce_id', 'ce_time', 'ce_replayattempt']);
    const gone = judge.judge(readLetter(record('elsewhere'), dlq) as Letter, 1);
    expect(gone).toMatchObject({ rejection: { reason: 'no_route' } });
    const alert = readLetter(record('alerts'), dlq) as Letter;
    expect(judge.judge(alert, 1)).toMatchObject({ rejection: { reason: 'no_route' } });
    const alerting = { ...defaultConfig, alerts: { ...defaultConfig.alerts, enabled: true } };
    const written = new Judge(alerting, unregisteredCodecs(defaultConfig)).judge(alert, 1);
    expect(written).toMatchObject({ records: [{ topic: 'alerts' }] });
  });
});

describe('a letter of a record that was spooled before its topic was encrypted', () => {
  const routes = defaultRoutes.map((route) => ({ ...route, encrypted: true }));
  const loaded = loadConfig({ settings: { routes, encryption: { keysFile: '/run/keys.yaml' } }, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  const keys = new TestKeys('k1');
  const encrypted = new Judge(loaded.config, unregisteredCodecs(loaded.config), keys);
  const refused = {
    dlq_kafka_topic: 'veh.events.raw',
    dlq_own_ce_id: 'a:1:2',
    dlq_own_ce_time: '2025-11-21T09:00:00Z',
  };
  const recordOf = (headers: Readonly<Record<string, string>>) => {
    const verdict = encrypted.judge(letterOf(Buffer.from('avro'), headers), 1);
    if ('rejection' in verdict) throw new Error(verdict.rejection.detail);
    return verdict.records[0] as CapturedRecord;
  };

  it('becomes an encrypted record', () => {
    const { topic, key, value, headers } = recordOf(refused);
    expect(value).not.toEqual(Buffer.from('avro'));
    expect(open({ topic, key, value, headers: headersOf(headers) }, keys.find)).toEqual(Buffer.from('avro'));
    expect(headerOf(headers, 'ce_replayattempt')).toBe('1');
  });

  it('stays as it is when it was encrypted', () => {
    const { value, headers } = recordOf({ ...refused, dlq_own_enc_algorithm: 'A256GCM-HKDF-S256-1' });
    expect(value).toEqual(Buffer.from('avro'));
    expect(headersOf(headers).filter(([name]) => name.startsWith('enc_'))).toHaveLength(1);
  });
});

describe('a letter of a device that rules are about', () => {
  const rule = {
    name: 'pilot',
    actions: ['publish'],
    kinds: ['vehicle'],
    groups: ['pilot'],
    topics: ['v1/vehicles/{boundTo}/#'],
  };
  const loaded = loadConfig({ settings: { authorization: { rules: [rule] } }, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  const byRule = new Judge(loaded.config, unregisteredCodecs(loaded.config));

  it('is judged by the rules of today and the groups that the device had', () => {
    const payload = telemetryPayload('veh-7', 42);
    expect(byRule.judge(letterOf(payload, { dlq_groups: 'other,pilot' }), 1)).toHaveProperty('records');
    expect(byRule.judge(letterOf(payload, { dlq_groups: 'other' }), 1)).toMatchObject({
      rejection: { reason: 'not_authorized' },
    });
    expect(byRule.judge(letterOf(payload), 1)).toMatchObject({ rejection: { reason: 'not_authorized' } });
  });

  it('is judged by all of its groups, however many the registry allows', () => {
    const groups = Array.from({ length: maxGroups - 1 }, (_, index) => String(index).padStart(maxGroupBytes, 'a'));
    const identity = { deviceId: 'unit-7', kind: 'vehicle', boundTo: 'veh-7', groups: [...groups, 'pilot'] } as const;
    const payload = telemetryPayload('veh-7', 42);
    const publish = new TestPublish({ identity, payload, receivedAtMs: Date.now() });
    const rejection = { reason: 'no_route', detail: 'd' } as const;
    const letter = new DeadLetter(publish, rejection, 'whole', { letterSettled: () => undefined });
    const captured = new CapturedRecords(16_384);
    captured.append(dlq, letter.key, publish.receivedAtMs, new DeadLetterEncoder({ source: '/gateway' }), letter);
    const [written] = captured.take();
    const read = readLetter({ ...(written as CapturedRecord), partition: 0, offset: 0 }, dlq) as Letter;
    expect(isReplayable(read)).toBe(true);
    expect(byRule.judge(read, 1)).toHaveProperty('records');
  });

  it('is not judged while the file of rules is broken', () => {
    const config = { ...loaded.config, authorization: { rulesFile: '/nowhere/rules.yaml', watchSeconds: 0 } };
    expect(() => new Judge(config, unregisteredCodecs(config))).toThrowError(/the rules can't be read/);
  });
});
