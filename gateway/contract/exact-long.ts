import avsc from 'avsc';

type Hook = (value: unknown, type: avsc.Type) => void;

/** What of a type avsc itself calls while it encodes; pinned with avsc's exact version. */
interface LongInternals {
  _check(value: unknown, flags: unknown, hook: Hook | undefined): boolean;
  _write(tap: unknown, value: unknown): void;
}
const long = avsc.types.LongType.prototype as unknown as LongInternals;

/**
 * Zigzag doubles a number, and avsc does so in floating point: below this, an odd number is written as another one, with
 * the opposite sign. Above zero it is right up to its own limit.
 */
const leastExact = -(2 ** 52);

const isInexact = (value: unknown): boolean => typeof value === 'number' && value < leastExact;

/** avsc's long, which also refuses what it would write wrongly. */
class ExactLong extends avsc.types.LongType {
  _check(value: unknown, flags: unknown, hook: Hook | undefined): boolean {
    if (!isInexact(value)) return long._check.call(this, value, flags, hook);
    hook?.(value, this);
    return false;
  }

  _write(tap: unknown, value: unknown): void {
    if (isInexact(value)) throw new RangeError(`${String(value)} is below what avsc writes exactly`);
    long._write.call(this, tap, value);
  }
}

/** For the option `typeHook` of avsc: makes every long of a schema exact. */
export function exactLongs(schema: unknown): avsc.Type | undefined {
  const isLong =
    schema === 'long' || (typeof schema === 'object' && (schema as { type?: unknown } | null)?.type === 'long');
  return isLong ? new ExactLong() : undefined;
}
