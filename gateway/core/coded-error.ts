/**
 * An error with a stable code from a closed set, for those who act on it, and a message for people. Each edge derives its
 * own, with its own set.
 */
export abstract class CodedError<Code extends string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
