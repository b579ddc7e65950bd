import { type DeviceWindows, isSameTime } from '../duplicates/device-windows.ts';
import { FoundCopies } from '../duplicates/found-copies.ts';
import { Reach } from '../duplicates/reach.ts';
import { settled, unseen } from '../duplicates/sequence-windows.ts';
import type { Identity } from '../identity.ts';
import type { Rejection } from '../outcome.ts';
import type { Passage } from '../passage.ts';
import type { TrackedEvent } from '../tracked-event.ts';

/**
 * Leaves only those events to be written that are not known to have been here (rule 6): what is on Kafka or in the spool
 * is dropped, what is pending waits for how the first copy ends. Only looks: an event is marked when it was appended.
 * Events without boot id and sequence pass by.
 *
 * An event that has the sequence of another and cannot be a copy of it rejects its publish: to drop and acknowledge it
 * would lose it without a trace.
 */
export function deduplicate(passage: Passage): Rejection | undefined {
  const { plan, route, events } = passage;
  const { windows } = plan;
  if (windows === undefined || !route.envelope.identifies) return undefined;
  const place = windows.placeOf(deviceKey(passage.publish.identity, passage.subject));
  passage.place = place;
  const event = events[0] as TrackedEvent;
  const isNew = events.length === 1 && windows.sighting(place, event.bootId, event.sequence) === unseen;
  return isNew ? undefined : sift(passage, windows, place);
}

/**
 * Under what a device is remembered. An anonymous client may speak for several vehicles, each with a count of its own.
 * No device id and no topic has a U+0000 in it.
 */
export function deviceKey({ kind, deviceId }: Identity, subject: string): string {
  return kind === 'anonymous' ? `${deviceId}\u0000${subject}` : deviceId;
}

function sift(passage: Passage, windows: DeviceWindows, place: number): Rejection | undefined {
  const { events, publish } = passage;
  const copies = new FoundCopies();
  const kept: TrackedEvent[] = [];
  let reach: Reach | undefined;
  const firsts = isAscending(events) ? undefined : new Map<string, TrackedEvent>();
  for (const event of events) {
    const first = firsts && firstOf(event, firsts);
    const sighting = windows.sighting(place, event.bootId, event.sequence);
    if (first === undefined && sighting === unseen) {
      kept.push(event);
      continue;
    }
    const isCopy = first === undefined ? !windows.isYoungest(place, event) : isSameTime(first, event);
    if (!isCopy) return reused(event, windows);
    if (first !== undefined) copies.addKnown('same_publish');
    else if (sighting === settled) copies.addKnown('settled');
    // Nobody waits for an answer to QoS 0.
    else if (publish.qos === 0) copies.addKnown('pending');
    else {
      reach ??= new Reach(events, windows, place);
      if (windows.mayWait(place, event, reach, copies.waiting)) copies.addWaiting(event);
      else kept.push(event);
    }
  }
  if (kept.length === events.length) return undefined;
  copies.announce(publish);
  publish.isCopy = kept.length === 0;
  passage.copies = copies;
  passage.events = kept;
  return undefined;
}

/** The event of the publish that came first under this id; undefined: this one did. */
function firstOf(event: TrackedEvent, firsts: Map<string, TrackedEvent>): TrackedEvent | undefined {
  const id = `${event.bootId}:${event.sequence}`;
  const first = firsts.get(id);
  if (first === undefined) firsts.set(id, event);
  return first;
}

function reused(event: TrackedEvent, windows: DeviceWindows): Rejection {
  windows.observer.reused(event);
  const detail = `sequence ${event.sequence} of boot ${event.bootId} is that of another event, of another time`;
  return { reason: 'reused_sequence', field: 'sequence', detail };
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
