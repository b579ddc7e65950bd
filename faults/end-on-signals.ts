const EXIT_INTERRUPTED = 130;

/**
 * Ends this process at once when it is asked to, whatever it is doing: with it ends every process that it has started,
 * and its temporary folders go, by their own listeners of `exit`. What was not measured to its end is worth no waiting.
 */
export function endOnSignals(print: (line: string) => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      print('ending everything');
      process.exit(EXIT_INTERRUPTED);
    });
  }
}
