/** Where a command line says its help and its complaints, and how it ends the process. */
export interface Output {
  /** Ends the process: with 0 after --help, with 2 for unusable arguments. */
  exit(code: number): never;
  readonly writeOut?: (text: string) => void;
  readonly writeErr?: (text: string) => void;
}
