import { describe, expect, it } from 'vitest';
import { DeadLetter, type LetterForm } from '../../../gateway/core/dead-letter.ts';
import { DeadLetterEncoder } from '../../../gateway/core/dead-letter-encoder.ts';
import { maxGroupBytes, maxGroups } from '../../../gateway/core/identity.ts';
import type { Rejection } from '../../../gateway/core/outcome.ts';
import { receivedAtMs, TestPublish, TestSink, telemetry } from './fixture.ts';

const rejection: Rejection = { reason: 'invalid_field', detail: 'speedMps -1 is not from 0 to 150' };
const deadLetterEncoder = new DeadLetterEncoder({ source: '/edge-ingest-gateway', tenant: 'north' });
const owner = { letterSettled: () => undefined };

function written(
  fields: ConstructorParameters<typeof TestPublish>[0],
  form: LetterForm = 'whole',
  why = rejection,
  limit = 10_000,
) {
  const letter = new DeadLetter(new TestPublish(fields), why, form, owner);
  const sink = new TestSink(limit);
  return sink.append('dlq', 'k', receivedAtMs, deadLetterEncoder, letter, letter) ? sink.records[0] : undefined;
}

const headers = {
  ce_specversion: '1.0',
  ce_type: 'com.mobilitycorp.deadletter.v1',
  ce_source: '/edge-ingest-gateway',
  ce_tenant: 'north',
  ce_time: '2025-11-21T09:22:33.123000Z',
  ce_receivedtime: '2025-11-21T09:22:33.123Z',
  ce_subject: 'veh-7',
  ce_partitionkey: 'veh-7',
  ce_id: expect.stringMatching(/^unit-7:[0-9a-f]{32}:dead-letter$/) as string,
  'content-type': 'application/octet-stream',
  dlq_reason: 'invalid_field',
  dlq_message: 'speedMps -1 is not from 0 to 150',
  dlq_device_id: 'unit-7',
  dlq_device_kind: 'vehicle',
  dlq_bound_to: 'veh-7',
  dlq_mqtt_topic: 'v1/vehicles/veh-7/telemetry',
  dlq_qos: '1',
  dlq_received_time: '2025-11-21T09:22:33.123Z',
};

describe('a dead letter', () => {
  it('holds the payload as it came and says in headers what became of it', () => {
    const payload = telemetry({ speedMps: -1 });
    expect(written({ payload })).toMatchObject({ value: payload, headers });
    expect(Object.keys(written({ payload })?.headers ?? {})).toEqual(Object.keys(headers));
  });

  it('holds trace and correlation when the publish had them', () => {
    const record = written({ qos: 2, traceparent: '00-a-b-01', correlationId: 'c' });
    expect(record?.headers).toEqual({
      ...headers,
      dlq_qos: '2',
      traceparent: '00-a-b-01',
      ce_traceparent: '00-a-b-01',
      ce_correlationid: 'c',
    });
  });

  it('has the same id when the same publish is refused again, whatever the reason, and another for another', () => {
    const id = (...of: Parameters<typeof written>) => written(...of)?.headers.ce_id;
    const payload = telemetry({ speedMps: -1 });
    const again = { reason: 'absurd_clock', detail: 'an hour later' } as const;
    expect(id({ payload, receivedAtMs: receivedAtMs + 3_600_000 }, 'undated', again)).toBe(id({ payload }));
    expect(id({ payload: telemetry({ speedMps: -2 }) })).not.toBe(id({ payload }));
  });

  it('has another id under an anonymous client than under a device of that name', () => {
    const identity = { deviceId: 'unit-7', kind: 'anonymous', boundTo: '' } as const;
    expect(written({ identity })?.headers.ce_id).toMatch(/^unit-7\/:[0-9a-f]{32}:dead-letter$/);
  });

  it('says when what a replay would need was cut', () => {
    expect(written({ topic: `v1/vehicles/${'x'.repeat(300)}/telemetry` })?.headers.dlq_truncated).toBe('true');
    const identity = { deviceId: 'unit-7', kind: 'vehicle', boundTo: 'v'.repeat(257) } as const;
    expect(written({ identity })?.headers).toMatchObject({ dlq_truncated: 'true', dlq_bound_to: 'v'.repeat(256) });
  });

  it('names the groups of its device, when it is in some, and says when they were cut', () => {
    const of = (groups: readonly string[]) => {
      const identity = { deviceId: 'unit-7', kind: 'vehicle', boundTo: 'veh-7', groups } as const;
      return written({ identity })?.headers;
    };
    expect(of([])).toEqual(headers);
    expect(of(['pilot', 'north'])).toEqual({ ...headers, dlq_groups: 'pilot,north' });
    const most = Array.from({ length: maxGroups }, (_, index) => String(index).padStart(maxGroupBytes, 'g'));
    expect(of(most)).toEqual({ ...headers, dlq_groups: most.join(',') });
    // Of a row that somebody has written past the registry.
    expect(of([...most, 'h'])).toMatchObject({ dlq_truncated: 'true' });
  });

  it('tells how many publishes of its device were not kept before it, in every form', () => {
    const letter = new DeadLetter(new TestPublish({}), rejection, 'whole', owner, 12);
    const sink = new TestSink();
    for (const form of ['whole', 'undated', 'stripped'] as const) {
      sink.append('dlq', 'k', receivedAtMs, deadLetterEncoder, letter.as(form), letter);
    }
    expect(sink.records.map((record) => record.headers.dlq_unkept_publishes)).toEqual(['12', '12', '12']);
  });

  it('counts how often it was replayed', () => {
    class Replayed extends TestPublish {
      override get replayAttempt(): number {
        return 3;
      }
    }
    const letter = new DeadLetter(new Replayed({}), rejection, 'whole', owner);
    const sink = new TestSink();
    sink.append('dlq', letter.key, receivedAtMs, deadLetterEncoder, letter, letter);
    expect(sink.records[0]?.headers).toEqual({ ...headers, ce_replayattempt: '3' });
  });

  it('without its payload has an empty value and says how long the payload was', () => {
    const record = written({ payload: Buffer.alloc(300_000) }, 'stripped');
    expect(record?.value).toHaveLength(0);
    expect(record?.headers).toEqual({ ...headers, dlq_dropped_payload_bytes: '300000' });
  });

  it('that does not fit is not written', () => {
    expect(written({ payload: Buffer.alloc(10_000) })).toBeUndefined();
    expect(written({}, 'whole', rejection, 150)).toBeUndefined();
  });

  it('without its payload fits into 4 kB whatever the device has sent, into 8 kB with all groups', () => {
    const long = '🚲'.repeat(30_000);
    const identity = { deviceId: long, kind: 'anonymous', boundTo: '' } as const;
    const fields = { identity, topic: long, traceparent: long, correlationId: long, contentType: long };
    const why = { reason: 'no_route', detail: long } as const;
    const record = written(fields, 'stripped', why, 4096);
    const inGroups = { ...identity, kind: 'vehicle', boundTo: long, groups: [long] } as const;
    expect(written({ ...fields, identity: inGroups }, 'stripped', why, 8192)).toBeDefined();
    expect(record?.headers).toMatchObject({
      dlq_message: '🚲'.repeat(256),
      dlq_device_id: '🚲'.repeat(64),
      dlq_mqtt_topic: '🚲'.repeat(64),
      traceparent: '🚲'.repeat(64),
    });
  });

  it('tells its owner how it ended', () => {
    const ends: unknown[] = [];
    const letter = new DeadLetter(new TestPublish({}), rejection, 'whole', {
      letterSettled: (...end) => ends.push(end),
    });
    letter.settleRecord({ kind: 'delivered' });
    expect(ends).toEqual([[letter, { kind: 'delivered' }]]);
  });
});
