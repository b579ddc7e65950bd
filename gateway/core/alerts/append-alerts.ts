import { utf8Length } from '../headers/utf8.ts';
import { type Rejection, rejected } from '../outcome.ts';
import type { Passage } from '../passage.ts';
import { stageFailure } from '../stage-failure.ts';
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
    const value = encoder.writeValue(alert, plan.scratch, 0);
    const end = value < 0 ? value : encoder.writeHeaders(alert, plan.scratch, value);
    return end >= 0 && end + utf8Length(alert.cause.key) <= plan.maxRecordBytes;
  });
}

/** Announces the record of each alert to the event that caused it, which is settled only with its alerts. */
export function expectAlerts({ alerts }: Passage): void {
  for (let i = 0; i < alerts.length; i++) trackedCause(alerts[i] as Alert).expect(1);
}

/** The events of a passage are tracked ones, and alerts are caused by them. */
const trackedCause = ({ cause }: Alert): TrackedEvent => cause as TrackedEvent;

/** Appends the record of each alert, under the key and the timestamp of the event that caused it. */
export function appendAlerts(passage: Passage): void {
  const { alerts } = passage;
  for (let i = 0; i < alerts.length; i++) {
    const alert = alerts[i] as Alert;
    const rejection = append(alert, passage);
    // The sink takes less than it was said to, or something threw, and the events have been appended.
    if (rejection !== undefined) trackedCause(alert).settleRecord(rejected(rejection));
  }
}

/** Never throws. */
function append(alert: Alert, passage: Passage): Rejection | undefined {
  const { kafkaTopic, encoder } = passage.plan.alerts as AlertPlan;
  const cause = trackedCause(alert);
  const timestampMs = Math.floor(cause.timeUs / 1000);
  try {
    const isTaken = passage.sink.append(kafkaTopic, cause.key, timestampMs, encoder, alert, cause);
    return isTaken ? undefined : alertTooLarge(passage);
  } catch (error) {
    return stageFailure(passage.plan.stageObserver, 'encode', error);
  }
}

export const alertTooLarge = ({ plan }: Passage): Rejection => ({
  reason: 'too_large',
  detail: `the record of an alert about it is larger than ${plan.maxRecordBytes} bytes`,
});
