import { accessFailureOf } from '../gateway/kafka/security/access-failure.ts';

/**
 * Why the cluster failed, in one line: what lies at the bottom of nested errors, each once. The Kafka library wraps one
 * error per attempt and broker into another, which say the same. What is about TLS, login or permissions says what to do.
 */
export function describeFailure(error: unknown): string {
  const text = [...new Set(causesOf(error))].join('; ');
  const refusal = accessFailureOf(error);
  return refusal === undefined ? text : `${refusal.code}: ${refusal.remedy} (${text})`;
}

function causesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  const below = error.cause === undefined ? inner : [...inner, error.cause];
  return below.length > 0 ? below.flatMap(causesOf) : [error.message || error.name];
}
