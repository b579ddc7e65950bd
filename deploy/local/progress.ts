/** Takes one line of progress, without line break. */
export type OnLog = (line: string) => void;

/** An error that a user of the local servers can do something about: its message says what is missing and how to get it. */
export class LocalServerError extends Error {
  readonly code: LocalServerErrorCode;

  constructor(code: LocalServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LocalServerError';
    this.code = code;
  }
}

export type LocalServerErrorCode =
  | 'no_java'
  | 'java_too_old'
  | 'no_maven'
  | 'fetch_failed'
  | 'port_taken'
  | 'wrong_directory'
  | 'server_died'
  | 'not_ready'
  | 'tool_failed';
