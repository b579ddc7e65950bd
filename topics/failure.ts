/**
 * Why the cluster failed, in one line: what lies at the bottom of nested errors, each once. The Kafka library wraps one
 * error per attempt and broker into another, which say the same.
 */
export const describeFailure = (error: unknown): string => [...new Set(causesOf(error))].join('; ');

function causesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  const below = error.cause === undefined ? inner : [...inner, error.cause];
  return below.length > 0 ? below.flatMap(causesOf) : [error.message || error.name];
}
