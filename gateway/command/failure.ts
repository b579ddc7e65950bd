/** Ends a command: its message is for people, its exit code for scripts. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  /** 1: refused or failed. 2: unusable arguments or settings. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
