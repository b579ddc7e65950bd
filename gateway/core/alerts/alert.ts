import type { DeviceEvent } from '../event.ts';
import { eventId } from '../event-id.ts';

export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** A condition began (`raised`) or ended (`cleared`). A sudden stop and a due service have no end that reports show. */
export const alertChanges = ['raised', 'cleared'] as const;
export type AlertChange = (typeof alertChanges)[number];

/** What the rule saw. Units are those of the device contract in `proto/`. */
export type AlertFinding =
  | { readonly rule: 'low_battery'; readonly batteryLevel: number; readonly thresholdLevel: number }
  | {
      readonly rule: 'geofence_violation';
      readonly fenceId: string;
      readonly fenceName: string;
      readonly kind: FenceKind;
      readonly transition: 'entered' | 'left';
      readonly latitudeDeg: number;
      readonly longitudeDeg: number;
    }
  | {
      readonly rule: 'maintenance_required';
      readonly cause: 'fault_codes';
      /** Those that became active, or that are no longer. */
      readonly faultCodes: readonly string[];
    }
  | {
      readonly rule: 'maintenance_required';
      readonly cause: 'odometer';
      readonly odometerM: number;
      /** The multiple of the interval that was passed. */
      readonly dueAtM: number;
    }
  | {
      readonly rule: 'sudden_stop';
      readonly fromMps: number;
      readonly toMps: number;
      readonly withinUs: number;
    };

export const alertRules = ['low_battery', 'geofence_violation', 'maintenance_required', 'sudden_stop'] as const;
export type AlertRule = (typeof alertRules)[number];

/** `keep_out`: being inside is the violation. `keep_in`: having been inside and being so no longer is. */
export type FenceKind = 'keep_in' | 'keep_out';

/** One alert, caused by one event. */
export interface Alert {
  readonly cause: DeviceEvent;
  /** `{causing event's id}:{rule}` and what else tells it from the event's other alerts: derived again, the same. */
  readonly id: string;
  /** Id of the causing event, as in its header `ce_id`. */
  readonly causationId: string;
  readonly vehicleId: string;
  /** The causing event's time, microseconds since the epoch. */
  readonly timeUs: number;
  readonly change: AlertChange;
  readonly severity: Severity;
  readonly finding: AlertFinding;
}

/** Adds to the alerts of one event; undefined while there is none, so that a report without alerts allocates nothing. */
export function addAlert(
  alerts: Alert[] | undefined,
  event: DeviceEvent,
  change: AlertChange,
  severity: Severity,
  finding: AlertFinding,
): Alert[] {
  const causationId = eventId(event);
  const alert: Alert = {
    cause: event,
    id: `${causationId}:${discriminator(finding)}`,
    causationId,
    vehicleId: event.subject,
    timeUs: event.timeUs,
    change,
    severity,
    finding,
  };
  if (alerts === undefined) return [alert];
  alerts.push(alert);
  return alerts;
}

/**
 * One event may need maintenance for two causes and cross several fences; of each of these it has one alert at most. For
 * fault codes that holds because an event that raises some clears none.
 */
function discriminator(finding: AlertFinding): string {
  switch (finding.rule) {
    case 'geofence_violation':
      return `${finding.rule}:${finding.fenceId}`;
    case 'maintenance_required':
      return `${finding.rule}:${finding.cause}`;
    case 'low_battery':
    case 'sudden_stop':
      return finding.rule;
  }
}
