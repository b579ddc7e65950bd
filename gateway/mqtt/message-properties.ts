import { type Buffer, isUtf8 } from 'node:buffer';
import type { Properties } from './decode/properties.ts';

/** The user property `traceparent` (W3C Trace Context), the first of that name. */
export function traceparentOf(properties: Properties): string | undefined {
  const pairs = properties.userProperties;
  if (pairs === undefined) return undefined;
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === 'traceparent') return pairs[i + 1];
  return undefined;
}

/** Correlation data is binary; as a header it is text: UTF-8 where it is that, else hex. */
export function correlationIdOf(properties: Properties): string | undefined {
  const bytes: Buffer | undefined = properties.correlationData;
  if (bytes === undefined) return undefined;
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('hex');
}
