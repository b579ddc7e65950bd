export const judgeErrorCodes = ['kafka_unreadable', 'stalled'] as const;
export type JudgeErrorCode = (typeof judgeErrorCodes)[number];

/** Kafka could not be read to its end: then there is no verdict. */
export class JudgeError extends Error {
  readonly code: JudgeErrorCode;

  constructor(code: JudgeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JudgeError';
    this.code = code;
  }
}
