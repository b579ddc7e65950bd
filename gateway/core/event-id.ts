import type { DeviceEvent } from './event.ts';

/**
 * What names an event for ever, the value of its header `ce_id`: `{deviceId}:{bootId}:{sequence}`, or
 * `{deviceId}:{digest}` where the payload has neither; the same publish sent again yields the same id.
 *
 * An anonymous client may speak for several vehicles, each with a count of its own: in place of the device its ids have
 * `{deviceId}/{subject}`. No registered device has a slash in its id and no subject has one, so that nobody else's ids
 * are like these.
 */
export function eventId({ publish, subject, bootId, sequence, digest }: DeviceEvent): string {
  const { deviceId, kind } = publish.identity;
  const device = kind === 'anonymous' ? `${deviceId}/${subject}` : deviceId;
  return sequence < 0 ? `${device}:${digest}` : `${device}:${bootId}:${sequence}`;
}
