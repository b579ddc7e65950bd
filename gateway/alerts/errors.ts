import { CodedError } from '../core/coded-error.ts';

export const alertsErrorCodes = [
  /** The file of geofences can't be read, or is no JSON. */
  'unreadable_fences',
  /** It is no collection of geofences. */
  'invalid_fences',
  /** Another process has the directory for the states of vehicles. */
  'state_directory_in_use',
  /** The directory for the states of vehicles can't be used. */
  'unusable_state_directory',
] as const;
export type AlertsErrorCode = (typeof alertsErrorCodes)[number];

/** Why alerts can't be derived as configured. The message names the file and says what is wrong with it. */
export class AlertsError extends CodedError<AlertsErrorCode> {
  override readonly name = 'AlertsError';
}
