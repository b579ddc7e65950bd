import type { RecordLogErrorCode } from '../../record-log/errors.ts';

export type VerifyErrorCode = RecordLogErrorCode | 'registry_unreachable';

/** Why Kafka could not be read back. A verification that cannot be made is never a good verdict. */
export class VerifyError extends Error {
  readonly code: VerifyErrorCode;

  constructor(code: VerifyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'VerifyError';
    this.code = code;
  }
}
