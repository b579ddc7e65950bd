import type { Message } from '../codec.ts';
import { base64 } from './base64.ts';

/**
 * A decoded message as a value for JSON: all of its fields, absent ones as null, bytes as base64, numbers that JSON does
 * not know (NaN and the infinities) as text, as in the JSON mapping of Protobuf.
 */
export function plainJson(message: Message): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  // Fields with their default value are on the prototype, beside what belongs to the type itself.
  for (const name in message) {
    const value = message[name];
    if (typeof value !== 'function' && !name.startsWith('$')) plain[name] = plainValue(value);
  }
  return plain;
}

function plainValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (value instanceof Uint8Array) return base64(value);
  return Array.isArray(value) ? value.map(plainValue) : plainJson(value as Message);
}
