import { appendFailure } from '../append-failure.ts';
import { utf8Length } from '../headers/utf8.ts';
import { type Outcome, type Rejection, rejected, unanswered } from '../outcome.ts';
import type { Passage } from '../passage.ts';
import type { TrackedEvent } from '../tracked-event.ts';
import type { Alert } from './alert.ts';
import type { AlertRecordEncoder } from './alert-record.ts';
import type { Alerting } from './alerting.ts';

/** How alerts are derived, and written. */
export interface AlertPlan {
  readonly alerting: Alerting;
  readonly kafkaTopic: string;
  readonly encoder: AlertRecordEncoder;
}

/** Whether the sink is certain to take every alert of the passage. */
export function alertsFit({ alerts, plan }: Passage): boolean {
  const { encoder } = plan.alerts as AlertPlan;
  return alerts.every((alert) => {
    const end = encodedEnd(alert, encoder, plan.scratch);
    return end >= 0 && end + utf8Length(alert.cause.key) <= plan.maxRecordBytes;
  });
}

function encodedEnd(alert: Alert, encoder: AlertRecordEncoder, scratch: Uint8Array): number {
  const value = encoder.writeValue(alert, scratch, 0);
  return value < 0 ? value : encoder.writeHeaders(alert, scratch, value);
}

/** Announces the record of each alert to the event that caused it, which is settled only with its alerts. */
export function expectAlerts({ alerts }: Passage): void {
  for (let i = 0; i < alerts.length; i++) trackedCause(alerts[i] as Alert).expect(1);
}

/** The events of a passage are tracked ones, and alerts are caused by them. */
const trackedCause = ({ cause }: Alert): TrackedEvent => cause as TrackedEvent;

/**
 * Appends the record of each alert, under the key and the timestamp of the event that caused it; of an event that could
 * not be appended none, as it would name a cause that is on no topic.
 */
export function appendAlerts(passage: Passage): void {
  const { alerts } = passage;
  for (let i = 0; i < alerts.length; i++) {
    const alert = alerts[i] as Alert;
    const cause = trackedCause(alert);
    const outcome = cause.failure ?? append(alert, cause, passage);
    // The sink takes less than it was said to, or something threw, and the events have been appended.
    if (outcome !== undefined) cause.settleRecord(outcome);
  }
}

/** Undefined: appended. Never throws. */
function append(alert: Alert, cause: TrackedEvent, passage: Passage): Outcome | undefined {
  if (passage.sinkFailure !== undefined) return unanswered;
  const { kafkaTopic, encoder } = passage.plan.alerts as AlertPlan;
  const timestampMs = Math.floor(cause.timeUs / 1000);
  try {
    const isTaken = passage.sink.append(kafkaTopic, cause.key, timestampMs, encoder, alert, cause);
    return isTaken ? undefined : rejected(alertTooLarge(passage));
  } catch (error) {
    return appendFailure(passage, error, () => encodedEnd(alert, encoder, passage.plan.scratch));
  }
}

export const alertTooLarge = ({ plan }: Passage): Rejection => ({
  reason: 'too_large',
  detail: `the record of an alert about it is larger than ${plan.maxRecordBytes} bytes`,
});
