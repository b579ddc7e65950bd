import { CodedError } from '../core/coded-error.ts';

export const registryErrorCodes = [
  /** No connection, or no answer within the timeout. Worth another try. */
  'registry_unreachable',
  /** The registry answered that it is not able to right now (5xx, 429). Worth another try. */
  'registry_unavailable',
  /** Credentials are missing or do not suffice (401, 403). */
  'registry_refused',
  /** No such subject, version or schema (404). */
  'schema_not_found',
  /** The schema is not compatible with the versions before it (409). */
  'schema_incompatible',
  /** The registry does not take it for a valid schema (422). */
  'schema_invalid',
  /** An answer that the Confluent API does not provide for. */
  'unexpected_response',
] as const;
export type SchemaRegistryErrorCode = (typeof registryErrorCodes)[number];

/** Why the schema registry did not do what it was asked. The message names the request and the registry's own words. */
export class SchemaRegistryError extends CodedError<SchemaRegistryErrorCode> {
  override readonly name = 'SchemaRegistryError';
}

/** The class of an HTTP status ≥ 400. Total: every status has one. */
export function codeOfStatus(status: number): SchemaRegistryErrorCode {
  if (status === 401 || status === 403) return 'registry_refused';
  if (status === 404) return 'schema_not_found';
  if (status === 409) return 'schema_incompatible';
  if (status === 422) return 'schema_invalid';
  if (status === 429 || status >= 500) return 'registry_unavailable';
  return 'unexpected_response';
}
