import { type Buffer, isUtf8 } from 'node:buffer';
import type { Properties } from './decode/properties.ts';

// Every record of a batch gets these as headers. Unlimited, one packet of thousands of items with properties of 64 kB
// would become hundreds of megabytes.

/** Version 00 has 55 characters; later versions may add fields behind it (W3C Trace Context, section 3.2). */
const longestTraceparent = 128;
const traceparentForm = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?$/;
const longestCorrelationBytes = 256;

/**
 * The user property `traceparent`, the first of that name. Undefined when it is not what W3C Trace Context says: such a
 * one is to be ignored (section 4.3).
 */
export function traceparentOf(properties: Properties): string | undefined {
  const pairs = properties.userProperties;
  if (pairs === undefined) return undefined;
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] !== 'traceparent') continue;
    const value = pairs[i + 1] as string;
    return value.length <= longestTraceparent && traceparentForm.test(value) ? value : undefined;
  }
  return undefined;
}

/**
 * Correlation data is binary; as a header it is text: UTF-8 where it is that, else hex. Undefined above 256 bytes: cut, it
 * would correlate with something else.
 */
export function correlationIdOf(properties: Properties): string | undefined {
  const bytes: Buffer | undefined = properties.correlationData;
  if (bytes === undefined || bytes.length > longestCorrelationBytes) return undefined;
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('hex');
}
