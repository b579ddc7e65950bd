import type { Rejection } from '../outcome.ts';
import type { Passage } from '../passage.ts';

/**
 * Derives the alerts of the publish's events and moves the vehicle's state on. The pipeline takes that back unless it
 * appends events and alerts.
 */
export function derive(passage: Passage): Rejection | undefined {
  const { plan, route, publish, events } = passage;
  if (plan.alerts === undefined || !route.causesAlerts || events.length === 0) return undefined;
  const step = plan.alerts.alerting.derive(events);
  if (step === undefined) return undefined;
  passage.step = step;
  passage.alerts = step.alerts;
  // Before anything is appended: whoever appends may be told the outcome at once.
  publish.trail = step;
  return undefined;
}
