import type { Message, RecordCodec } from '../codec.ts';
import { CommonHeaders, type RecordOrigin } from '../headers/common-headers.ts';
import { fitted, writeLength, writeOwnHeader } from '../headers/header-writer.ts';
import type { RecordEncoder } from '../record-sink.ts';
import { writeFraming } from '../wire-format.ts';
import { type Alert, type AlertRule, alertRules } from './alert.ts';

/** ce_id, ce_causationid. */
const ownHeaders = 2;

/** CloudEvents type of a rule's alerts: `com.mobilitycorp.vehicle.alert.low-battery.v1`. */
export const alertEventType = (rule: AlertRule): string =>
  `com.mobilitycorp.vehicle.alert.${rule.replaceAll('_', '-')}.v1`;

/**
 * Writes the record of an alert: its value by the schema `alert.avsc`, its headers as those of events, with the alert's
 * own `ce_id` and type, and the causing event's id as `ce_causationid`.
 */
export class AlertRecordEncoder implements RecordEncoder<Alert> {
  readonly #codec: RecordCodec;
  readonly #headers: ReadonlyMap<AlertRule, CommonHeaders>;

  constructor(codec: RecordCodec, origin: RecordOrigin) {
    this.#codec = codec;
    const { contentType, schemaUri: dataSchema } = codec;
    this.#headers = new Map(
      alertRules.map((rule) => [
        rule,
        new CommonHeaders(origin, { eventType: alertEventType(rule), contentType, dataSchema }),
      ]),
    );
  }

  writeValue(alert: Alert, target: Uint8Array, offset: number): number {
    const { framing, encoder } = this.#codec;
    if (offset + framing.length > target.length) return -1;
    return encoder.encode(messageOf(alert), target, writeFraming(framing, target, offset));
  }

  writeHeaders({ id, causationId, cause, finding }: Alert, target: Uint8Array, offset: number): number {
    const { publish, timeUs, subject, key } = cause;
    const common = this.#headers.get(finding.rule) as CommonHeaders;
    let at = writeLength(common.countOf(publish) + ownHeaders, target, offset);
    at = common.write(publish, timeUs, subject, key, target, at);
    at = writeOwnHeader('ce_id', id, target, at);
    at = writeOwnHeader('ce_causationid', causationId, target, at);
    return fitted(at, target);
  }
}

/** What is in the record besides, for each finding; null for all others. */
const noFindings = { lowBattery: null, geofence: null, faultCodes: null, odometerService: null, suddenStop: null };

/** The alert as a record of `schemas/alert.avsc`. */
function messageOf(alert: Alert): Message {
  const { id, vehicleId, causationId, timeUs, cause, change, severity, finding } = alert;
  return {
    alertId: id,
    vehicleId,
    rule: finding.rule.toUpperCase(),
    change: change.toUpperCase(),
    severity: severity.toUpperCase(),
    causationId,
    eventTimeUs: timeUs,
    receivedTimeMs: cause.publish.receivedAtMs,
    ...noFindings,
    ...findingOf(alert),
  };
}

function findingOf({ finding }: Alert): Message {
  switch (finding.rule) {
    case 'low_battery':
      return { lowBattery: finding };
    case 'geofence_violation':
      return {
        geofence: { ...finding, kind: finding.kind.toUpperCase(), transition: finding.transition.toUpperCase() },
      };
    case 'maintenance_required':
      return finding.cause === 'fault_codes' ? { faultCodes: finding } : { odometerService: finding };
    case 'sudden_stop':
      return { suddenStop: finding };
  }
}
