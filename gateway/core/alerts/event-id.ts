import type { DeviceEvent } from '../event.ts';

/** The event's id as text: the value that `EventRecordEncoder` writes into its header `ce_id`. */
export function eventId(event: DeviceEvent): string {
  const { deviceId } = event.publish.identity;
  return event.sequence < 0 ? `${deviceId}:${event.digest}` : `${deviceId}:${event.bootId}:${event.sequence}`;
}
