import { CodedError } from '../core/coded-error.ts';

export const administrationErrorCodes = [
  /** The file of tokens can't be opened or made, or is of a newer program. */
  'tokens_unopenable',
  /** It can't be read or written at the moment. */
  'tokens_failed',
  /** The audit file can't be opened, or another process writes to it. */
  'audit_unopenable',
  /** What is in the audit file is not a chain of audit records that could be continued. */
  'audit_unreadable',
  /** An audit record could not be written. */
  'audit_failed',
  /** More audit records wait for the disk than may. */
  'audit_overloaded',
] as const;
export type AdministrationErrorCode = (typeof administrationErrorCodes)[number];

/** What administration stands on does not work: its tokens, or its audit file. Its message names the file. */
export class AdministrationError extends CodedError<AdministrationErrorCode> {
  override readonly name = 'AdministrationError';
}

/** What an unknown error says. */
export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
