/** How each server of a tuple is started; the signal ends its wait. */
type Starts<Servers extends readonly unknown[]> = {
  readonly [Position in keyof Servers]: (signal: AbortSignal) => Promise<Servers[Position]>;
};

/**
 * Starts servers that need each other. The first failure is the cause: the other starts are told by their signal to give
 * up, instead of waiting in vain and hiding it behind a failure of their own.
 *
 * @param end ends one that had started by then
 * @returns what the starts returned, in their order
 * @throws the first failure, when all others have given up or are ended
 */
export async function startAll<Servers extends readonly unknown[]>(
  starts: Starts<Servers>,
  end: (started: Servers[number]) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<Servers> {
  const failed = new AbortController();
  const giveUp = signal === undefined ? failed.signal : AbortSignal.any([failed.signal, signal]);
  const failures: unknown[] = [];
  const outcomes = await Promise.allSettled(
    starts.map(async (start): Promise<Servers[number]> => {
      try {
        return await start(giveUp);
      } catch (error) {
        failures.push(error);
        failed.abort(error);
        throw error;
      }
    }),
  );
  const started = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  // As many as there were starts, in the same order.
  if (failures.length === 0) return started as readonly unknown[] as Servers;
  await Promise.all(started.map(end));
  throw failures[0];
}
