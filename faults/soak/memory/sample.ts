/** What the gateway's process occupied at one moment. Bytes. */
export interface MemorySample {
  /** Since the begin of the load, seconds. */
  readonly atS: number;
  /** Resident set: everything that the system has given it. */
  readonly rss: number;
  /** Objects on V8's heap, garbage that is not collected yet included. */
  readonly heapUsed: number;
  /** Memory of buffers and of native objects that JavaScript holds on to. */
  readonly external: number;
  /** The part of `external` that belongs to ArrayBuffers; undefined when the gateway does not tell. */
  readonly arrayBuffers: number | undefined;
  /** Full collections (mark-compact) so far. */
  readonly majorCollections: number;
}

const names = {
  process_resident_memory_bytes: 'rss',
  nodejs_heap_size_used_bytes: 'heapUsed',
  nodejs_external_memory_bytes: 'external',
  nodejs_array_buffers_bytes: 'arrayBuffers',
  'nodejs_gc_duration_seconds_count{kind="major"}': 'majorCollections',
} as const;

/**
 * Reads a sample out of the text of `/metrics` (Prometheus text format 0.0.4).
 *
 * @returns undefined when the text names no resident memory or heap
 */
export function parseMemory(metrics: string, atS: number): MemorySample | undefined {
  const found: Partial<Record<(typeof names)[keyof typeof names], number>> = {};
  for (const line of metrics.split('\n')) {
    const space = line.lastIndexOf(' ');
    const name = line.slice(0, space);
    if (name in names) found[names[name as keyof typeof names]] = Number(line.slice(space + 1));
  }
  const { rss, heapUsed, external = 0, arrayBuffers, majorCollections = 0 } = found;
  if (rss === undefined || heapUsed === undefined) return undefined;
  return { atS, rss, heapUsed, external, arrayBuffers, majorCollections };
}
