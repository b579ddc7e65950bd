import { alertsFit, alertTooLarge, appendAlerts, expectAlerts } from '../alerts/append-alerts.ts';
import { appendFailure } from '../append-failure.ts';
import { utf8Length } from '../headers/utf8.ts';
import { type Outcome, type Rejection, rejected, unanswered } from '../outcome.ts';
import type { Passage } from '../passage.ts';
import type { TrackedEvent } from '../tracked-event.ts';

/**
 * Writes the record of each event, and of each alert that the events cause, into the sink.
 *
 * A publish is taken whole or not at all, so no record may turn out too large after another has been appended. A single
 * event needs no care: the sink itself refuses it. The records of a batch are all tried first, and an event with its
 * alerts. So are messages without rules of ours, because only the trial shows whether their schema takes them, and a
 * refusal by the sink costs it its open batch.
 */
export function encode(passage: Passage): Rejection | undefined {
  const { events, alerts, publish } = passage;
  if (events.length + alerts.length > 1 || (passage.route.codec !== undefined && passage.route.rules === undefined)) {
    for (const event of events) if (!fits(event, passage)) return refusal(event, passage);
  }
  if (alerts.length > 0 && !alertsFit(passage)) return alertTooLarge(passage);
  publish.expect(events.length);
  if (alerts.length > 0) expectAlerts(passage);
  for (let i = 0; i < events.length; i++) {
    const event = events[i] as TrackedEvent;
    const outcome = append(event, passage);
    if (outcome === undefined) continue;
    if (i === 0 && outcome.kind === 'rejected') return outcome.rejection;
    // The sink takes less than it was said to, or something threw. What is appended is settled one by one, and so is the rest.
    event.settleRecord(outcome);
  }
  if (alerts.length > 0) appendAlerts(passage);
  return undefined;
}

/**
 * Undefined: appended. Never throws: whatever was appended before is to be settled with what becomes of this one. Behind a
 * failure of the sink nothing more is appended: it would be out of order when the device sends again.
 */
function append(event: TrackedEvent, passage: Passage): Outcome | undefined {
  if (passage.sinkFailure !== undefined) return unanswered;
  const { route, encoder } = passage.route;
  const timestampMs = Math.floor(event.timeUs / 1000);
  try {
    const isTaken = passage.sink.append(route.settings.kafkaTopic, event.key, timestampMs, encoder, event, event);
    return isTaken ? undefined : rejected(refusal(event, passage));
  } catch (error) {
    return appendFailure(passage, error, () => fits(event, passage));
  }
}

function fits(event: TrackedEvent, passage: Passage): boolean {
  const { scratch, maxRecordBytes } = passage.plan;
  const { encoder } = passage.route;
  const value = encoder.writeValue(event, scratch, 0);
  if (value < 0) return false;
  const headers = encoder.writeHeaders(event, scratch, value);
  return headers >= 0 && headers + utf8Length(event.key) <= maxRecordBytes;
}

function refusal(event: TrackedEvent, passage: Passage): Rejection {
  const { message } = event;
  const defect = message && passage.route.codec?.encoder.defectOf(message);
  if (defect !== undefined) return { reason: 'invalid_field', detail: defect };
  return { reason: 'too_large', detail: `a record is larger than ${passage.plan.maxRecordBytes} bytes` };
}
