import { headersOf } from '../gateway/record-batch/header-array.ts';
import type { RecordContent } from '../record-log/fingerprint.ts';

/**
 * What tells an event that a replay wrote from all others; undefined for one that no replay wrote. Not its bytes: schemas
 * may have changed since. Records in the structured mode of CloudEvents have the attributes in headers, too.
 */
export function nameOf(topic: string, { headers }: Pick<RecordContent, 'headers'>): string | undefined {
  const all = headersOf(headers);
  const text = (name: string): string | undefined => all.find(([key]) => key === name)?.[1]?.toString();
  const attempt = text('ce_replayattempt');
  return attempt === undefined ? undefined : `${topic}\n${text('ce_id')}\n${attempt}`;
}
