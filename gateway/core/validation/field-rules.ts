import type { Message } from '../codec.ts';
import { quoted } from '../quoted.ts';
import { type FieldRejection, invalidField } from './invalid-field.ts';

/** What a field of a message must be. Explicitly absent fields (null) are fine unless `required`. */
export interface FieldRule {
  readonly field: string;
  readonly required?: true;
  readonly must: Condition;
}

type Condition =
  /** A finite number from `min` to `max`; with `below` instead of `max`, less than that. */
  | { readonly be: 'number'; readonly min: number; readonly max: number; readonly below?: number }
  | { readonly be: 'text'; readonly maxLength: number }
  | { readonly be: 'texts'; readonly maxItems: number; readonly maxLength: number }
  | { readonly be: 'message'; readonly of: readonly FieldRule[] }
  /** Absent unless another field has a value. */
  | { readonly be: 'only when'; readonly field: string; readonly is: string };

const between = (min: number, max: number): Condition => ({ be: 'number', min, max });
const fromBelow = (min: number, below: number): Condition => ({ be: 'number', min, max: below, below });

const maxIdLength = 128;
/** Of serial numbers and versions. */
const maxNameLength = 64;
const faultCodes: FieldRule = { field: 'faultCodes', must: { be: 'texts', maxItems: 64, maxLength: 32 } };

const geoPoint: readonly FieldRule[] = [
  { field: 'latitudeDeg', required: true, must: between(-90, 90) },
  { field: 'longitudeDeg', required: true, must: between(-180, 180) },
  { field: 'altitudeM', must: between(-1000, 20_000) },
  { field: 'accuracyM', must: between(0, 100_000) },
];

/** The rules of each message of ours, by its full name. Units and ranges are documented in `proto/`. */
export const fieldRules: ReadonlyMap<string, readonly FieldRule[]> = new Map([
  [
    'mobility.telemetry.v1.VehicleTelemetry',
    [
      { field: 'vehicleId', required: true, must: { be: 'text', maxLength: maxIdLength } },
      { field: 'position', must: { be: 'message', of: geoPoint } },
      { field: 'speedMps', must: between(0, 150) },
      { field: 'headingDeg', must: fromBelow(0, 360) },
      { field: 'batteryLevel', required: true, must: between(0, 1) },
      { field: 'batteryVoltageV', must: between(0, 1500) },
      faultCodes,
    ],
  ],
  [
    'mobility.telemetry.v1.BatteryStatus',
    [
      { field: 'vehicleId', required: true, must: { be: 'text', maxLength: maxIdLength } },
      { field: 'batteryLevel', required: true, must: between(0, 1) },
      { field: 'batteryHealth', must: between(0, 1) },
      { field: 'batteryVoltageV', must: between(0, 1500) },
      { field: 'batteryCurrentA', must: between(-2000, 2000) },
      { field: 'temperatureC', must: between(-90, 150) },
      { field: 'cellMinVoltageV', must: between(0, 10) },
      { field: 'cellMaxVoltageV', must: between(0, 10) },
      { field: 'batterySerial', must: { be: 'text', maxLength: maxNameLength } },
    ],
  ],
  [
    'mobility.telemetry.v1.Diagnostics',
    [
      { field: 'vehicleId', required: true, must: { be: 'text', maxLength: maxIdLength } },
      faultCodes,
      { ...faultCodes, field: 'pendingFaultCodes' },
      { field: 'motorTemperatureC', must: between(-90, 300) },
      { field: 'controllerTemperatureC', must: between(-90, 300) },
      { field: 'firmwareVersion', must: { be: 'text', maxLength: maxNameLength } },
    ],
  ],
  [
    'mobility.telemetry.v1.Incident',
    [
      { field: 'vehicleId', required: true, must: { be: 'text', maxLength: maxIdLength } },
      { field: 'position', must: { be: 'message', of: geoPoint } },
      { field: 'speedBeforeMps', must: between(0, 150) },
      { field: 'speedAfterMps', must: between(0, 150) },
      { field: 'peakAccelerationMps2', must: between(0, 10_000) },
      { field: 'headingDeg', must: fromBelow(0, 360) },
    ],
  ],
  [
    'mobility.telemetry.v1.BayOccupancy',
    [
      { field: 'bayId', required: true, must: { be: 'text', maxLength: maxIdLength } },
      { field: 'vehicleId', must: { be: 'only when', field: 'state', is: 'OCCUPIED' } },
      { field: 'vehicleId', must: { be: 'text', maxLength: maxIdLength } },
      { field: 'batteryLevel', must: between(0, 1) },
      { field: 'temperatureC', must: between(-90, 150) },
      faultCodes,
    ],
  ],
]);

/** The first rule that the message breaks: field, value and limit in words. Undefined when it keeps them all. */
export function fieldDefect(message: Message, rules: readonly FieldRule[]): FieldRejection | undefined {
  for (const { field, required, must } of rules) {
    const value = message[field];
    if (value === null || value === undefined) {
      if (required) return invalidField(field, 'is missing');
      continue;
    }
    // The only condition that nearly every field has, met here without a call.
    if (must.be === 'number' && typeof value === 'number' && value >= must.min && value < must.max) continue;
    const defect = conditionDefect(field, value, must, message);
    if (defect !== undefined) return defect;
  }
  return undefined;
}

function conditionDefect(field: string, value: unknown, must: Condition, message: Message): FieldRejection | undefined {
  switch (must.be) {
    case 'number':
      // NaN compares false with everything, so it fails here too.
      if (typeof value === 'number' && value >= must.min && value <= must.max && value !== must.below) return undefined;
      return invalidField(
        field,
        `${quoted(value)} is not from ${must.min} to ${must.below === undefined ? '' : 'below '}${must.max}`,
      );
    case 'text':
      return textDefect(field, value, must.maxLength);
    case 'texts':
      return textsDefect(field, value as readonly unknown[], must.maxItems, must.maxLength);
    case 'message': {
      const defect = fieldDefect(value as Message, must.of);
      return defect && { ...defect, field: `${field}.${defect.field}`, detail: `${field}.${defect.detail}` };
    }
    case 'only when':
      if (message[must.field] === must.is) return undefined;
      return invalidField(
        field,
        `${quoted(value)} is given, but ${must.field} is ${quoted(message[must.field])}, not "${must.is}"`,
      );
  }
}

function textDefect(field: string, value: unknown, maxLength: number): FieldRejection | undefined {
  if (typeof value === 'string' && value.length > 0 && value.length <= maxLength) return undefined;
  return invalidField(field, value === '' ? 'is empty' : `${quoted(value)} is longer than ${maxLength} characters`);
}

function textsDefect(
  field: string,
  values: readonly unknown[],
  maxItems: number,
  maxLength: number,
): FieldRejection | undefined {
  if (values.length > maxItems) return invalidField(field, `has ${values.length} items, more than ${maxItems}`);
  for (let i = 0; i < values.length; i++) {
    const defect = textDefect(`${field}[${i}]`, values[i], maxLength);
    if (defect !== undefined) return defect;
  }
  return undefined;
}
