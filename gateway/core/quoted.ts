const maxQuotedLength = 64;

/** A value for a rejection's detail: bounded, and unmistakable whatever characters it holds. */
export function quoted(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > maxQuotedLength ? `${value.slice(0, maxQuotedLength)}…` : value);
}
