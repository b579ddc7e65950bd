import type { DeviceEvent } from '../event.ts';
import type { Alert } from './alert.ts';
import type { Rule } from './rules/rule.ts';
import type { VehicleState } from './state/vehicle-state.ts';

/** What most events derive; always this one array. */
export const noAlerts: readonly Alert[] = Object.freeze([]);

/**
 * The alerts that an event causes, in the order of the rules, and the vehicle's state moved on. An event that is late or
 * repeated causes none and changes nothing. The same events from the same state cause the same alerts, with the same
 * ids. Allocates nothing itself while no rule fires.
 *
 * `event` is one of the vehicle whose state it is, validated; what its message lacks, or has absent, no rule looks at.
 */
export function derive(event: DeviceEvent, state: VehicleState, rules: readonly Rule[]): readonly Alert[] {
  const { message } = event;
  if (message === undefined || !state.accept(event)) return noAlerts;
  let alerts: Alert[] | undefined;
  for (let i = 0; i < rules.length; i++) alerts = (rules[i] as Rule).apply(event, message, state, alerts);
  if (alerts === undefined) return noAlerts;
  state.notable = true;
  return alerts;
}
