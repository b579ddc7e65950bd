import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventId } from '../../../gateway/core/event-id.ts';
import { run, TestPublish, telemetry } from './fixture.ts';

interface Source {
  readonly kind: 'vehicle' | 'anonymous';
  readonly deviceId: string;
  readonly subject: string;
  readonly bootId: number;
  readonly sequence: number;
}

/** A device reports for one vehicle only, so that its id says which. */
const nameOf = ({ kind, deviceId, subject, bootId, sequence }: Source): string =>
  JSON.stringify([kind, deviceId, kind === 'anonymous' && subject, bootId, sequence]);

const idOf = ({ kind, deviceId, subject, bootId, sequence }: Source): string => {
  const publish = new TestPublish({ identity: { kind, deviceId, boundTo: '' } });
  return eventId({ publish, subject, key: subject, timeUs: 0, bootId, sequence, digest: '', message: undefined });
};

/** Few letters, among them those that ids are put together with. */
const registeredId = fc.stringMatching(/^[a1:]{1,4}$/);
const clientId = fc.stringMatching(/^[a1:/]{1,4}$/);
const small = fc.integer({ min: 0, max: 2 });
const source = fc.oneof(
  fc.record({
    kind: fc.constant('vehicle'),
    deviceId: registeredId,
    subject: registeredId,
    bootId: small,
    sequence: small,
  }),
  fc.record({
    kind: fc.constant('anonymous'),
    deviceId: clientId,
    subject: registeredId,
    bootId: small,
    sequence: small,
  }),
) as fc.Arbitrary<Source>;

describe('the id of an event', () => {
  it('is never that of another vehicle of the same anonymous client', () => {
    const identity = { kind: 'anonymous', deviceId: 'proxy', boundTo: '' } as const;
    const ids = ['veh-1', 'veh-2'].map((vehicleId) => {
      const topic = `v1/vehicles/${vehicleId}/telemetry`;
      return run({ identity, topic, payload: telemetry({ vehicleId }) }).records[0]?.headers.ce_id;
    });
    expect(ids).toEqual(['proxy/veh-1:4000000000:42', 'proxy/veh-2:4000000000:42']);
  });

  it('is of one event only, whatever clients call themselves', () => {
    fc.assert(
      fc.property(fc.array(source, { minLength: 2, maxLength: 40 }), (sources) => {
        expect(new Set(sources.map(idOf)).size).toBe(new Set(sources.map(nameOf)).size);
      }),
    );
  });
});
