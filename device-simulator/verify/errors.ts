export const verifyErrorCodes = [
  'kafka_unreachable',
  'no_topic',
  // A partition has no leader that answers, and it stays so.
  'partition_unavailable',
  'stalled',
  'unreadable_batch',
  'registry_unreachable',
] as const;
export type VerifyErrorCode = (typeof verifyErrorCodes)[number];

/** Why Kafka could not be read back. A verification that cannot be made is never a good verdict. */
export class VerifyError extends Error {
  readonly code: VerifyErrorCode;

  constructor(code: VerifyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'VerifyError';
    this.code = code;
  }
}
