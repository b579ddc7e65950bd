import type { MetricSample } from '../../../test/support/gateway-process.ts';

/** What the gateway's process occupied at one moment. Bytes. */
export interface MemorySample {
  /** Since the begin of the load, seconds. */
  readonly atS: number;
  /** Resident set: everything that the system has given it. */
  readonly rss: number;
  /** Objects on V8's heap, garbage that is not collected yet included. */
  readonly heapUsed: number;
  /** Memory of buffers (ArrayBuffers among them) and of native objects that JavaScript holds on to. */
  readonly external: number;
  /** Full collections (mark-compact) so far. */
  readonly majorCollections: number;
}

/**
 * Reads a sample out of a scrape of `/metrics`.
 *
 * @returns undefined when the scrape names no resident memory or heap
 */
export function memoryOf(scrape: readonly MetricSample[], atS: number): MemorySample | undefined {
  const find = (name: string, labels = ''): number | undefined =>
    scrape.find((sample) => sample.name === name && sample.labels === labels)?.value;
  const rss = find('process_resident_memory_bytes');
  const heapUsed = find('nodejs_heap_size_used_bytes');
  if (rss === undefined || heapUsed === undefined) return undefined;
  return {
    atS,
    rss,
    heapUsed,
    external: find('nodejs_external_memory_bytes') ?? 0,
    majorCollections: find('nodejs_gc_duration_seconds_count', '{kind="major"}') ?? 0,
  };
}
