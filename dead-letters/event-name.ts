import type { RecordContent } from '../record-log/fingerprint.ts';
import { headersOf } from '../record-log/record-batch.ts';

/** Media type of records in the structured mode of CloudEvents, up to its parameters. */
const structuredType = 'application/cloudevents+json';

/** What tells an event that a replay wrote from all others; undefined for one that no replay wrote. */
export function nameOf(
  topic: string,
  { headers, value }: Pick<RecordContent, 'headers' | 'value'>,
): string | undefined {
  const all = headersOf(headers);
  const text = (name: string): string | undefined => all.find(([key]) => key === name)?.[1]?.toString();
  const attributes = text('content-type')?.startsWith(structuredType)
    ? structured(value)
    : { id: text('ce_id'), replayattempt: text('ce_replayattempt') };
  if (attributes.replayattempt === undefined) return undefined;
  return `${topic}\n${attributes.id}\n${attributes.replayattempt}`;
}

interface Attributes {
  readonly id?: string | undefined;
  readonly replayattempt?: string | number | undefined;
}

function structured(value: Buffer | null): Attributes {
  try {
    return JSON.parse(value?.toString() ?? '{}') as Attributes;
  } catch {
    return {};
  }
}
