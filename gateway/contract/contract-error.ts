import { CodedError } from '../core/coded-error.ts';

export const contractErrorCodes = [
  /** A .proto file can't be read or parsed. */
  'invalid_proto',
  /** An .avsc file can't be read or parsed. */
  'invalid_schema',
  /** A route names a message that no .proto file declares, or items that it does not have. */
  'unknown_message',
  /** Message and schema of a route do not fit each other. */
  'schema_mismatch',
  /** The registry gave no id for a schema. */
  'unregistered_schema',
] as const;
export type ContractErrorCode = (typeof contractErrorCodes)[number];

/** Why the message types and schemas of the routes can't be used. The message names the file or the route. */
export class ContractError extends CodedError<ContractErrorCode> {
  override readonly name = 'ContractError';
}
