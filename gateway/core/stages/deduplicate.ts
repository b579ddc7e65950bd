import type { DeviceWindows } from '../duplicates/device-windows.ts';
import { FoundCopies } from '../duplicates/found-copies.ts';
import { settled, unseen } from '../duplicates/sequence-windows.ts';
import type { Identity } from '../identity.ts';
import type { Rejection } from '../outcome.ts';
import type { Passage } from '../passage.ts';
import type { TrackedEvent } from '../tracked-event.ts';

/**
 * Leaves only those events to be written that are not known to have been here (rule 6): what is on Kafka or in the spool
 * is dropped, what is pending waits for how the first copy ends. Only looks: an event is marked when it was appended.
 * Events without boot id and sequence pass by.
 */
export function deduplicate(passage: Passage): Rejection | undefined {
  const { plan, route, events } = passage;
  const { windows } = plan;
  if (windows === undefined || !route.envelope.identifies) return undefined;
  const place = windows.placeOf(deviceKey(passage.publish.identity, passage.subject));
  passage.place = place;
  if (events.length > 1) {
    sift(passage, windows, place);
  } else {
    const event = events[0] as TrackedEvent;
    if (windows.sighting(place, event.bootId, event.sequence) !== unseen) sift(passage, windows, place);
  }
  return undefined;
}

/**
 * Under what a device is remembered. An anonymous client may speak for several vehicles, each with a count of its own.
 * No device id and no topic has a U+0000 in it.
 */
export function deviceKey({ kind, deviceId }: Identity, subject: string): string {
  return kind === 'anonymous' ? `${deviceId}\u0000${subject}` : deviceId;
}

function sift(passage: Passage, windows: DeviceWindows, place: number): void {
  const { events, publish } = passage;
  const copies = new FoundCopies();
  const kept: TrackedEvent[] = [];
  const ids = isAscending(events) ? undefined : new Set<string>();
  for (const event of events) {
    const { bootId, sequence } = event;
    const sighting = windows.sighting(place, bootId, sequence);
    if (ids !== undefined && ids.size === ids.add(`${bootId}:${sequence}`).size) copies.addKnown('same_publish');
    else if (sighting === unseen) kept.push(event);
    else if (sighting === settled) addSettled(event, copies, windows, place);
    // Nobody waits for an answer to QoS 0.
    else if (publish.qos === 0) copies.addKnown('pending');
    else if (windows.mayWait(place, event, copies.waiting)) copies.addWaiting(event);
    else kept.push(event);
  }
  if (kept.length === events.length) return;
  copies.announce(publish);
  publish.isCopy = kept.length === 0;
  passage.copies = copies;
  passage.events = kept;
}

/** Whether no event of the publish can be a copy of another one in it: so it is in every batch that is in order. */
function isAscending(events: readonly TrackedEvent[]): boolean {
  for (let i = 1; i < events.length; i++) {
    const event = events[i] as TrackedEvent;
    const before = events[i - 1] as TrackedEvent;
    if (event.bootId !== before.bootId || event.sequence <= before.sequence) return false;
  }
  return true;
}

/** The id decides, as it does for every consumer: also where the event cannot be a copy, which is counted. */
function addSettled(event: TrackedEvent, copies: FoundCopies, windows: DeviceWindows, place: number): void {
  copies.addKnown('settled');
  if (windows.isYoungest(place, event)) copies.addReused(event);
}
