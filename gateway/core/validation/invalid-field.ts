import type { Rejection } from '../outcome.ts';

/** A rejection for one field of a message. */
export interface FieldRejection extends Rejection {
  readonly field: string;
}

/** @param problem what is wrong with the field, without its name. */
export const invalidField = (field: string, problem: string): FieldRejection => ({
  reason: 'invalid_field',
  field,
  detail: `${field} ${problem}`,
});
