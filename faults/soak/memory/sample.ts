import type { MetricSample } from '../../../test/support/gateway-process.ts';

/** What the gateway's process occupied at one moment. Bytes. */
export interface MemorySample {
  /** Since the begin of the load, seconds. */
  readonly atS: number;
  /**
   * Resident memory of its own (anonymous): not the pages of its program and libraries, which the system drops under
   * pressure and reads again, and which come in as ever more of the program has been used.
   */
  readonly rss: number;
  /** Objects on V8's heap, garbage that is not collected yet included. */
  readonly heapUsed: number;
  /** Memory of buffers (ArrayBuffers among them) and of native objects that JavaScript holds on to. */
  readonly external: number;
  /** Full collections (mark-compact) so far. */
  readonly majorCollections: number;
}

/**
 * Puts a sample together from a scrape of `/metrics` and what the system says.
 *
 * @param rss own resident memory, bytes; undefined: it could not be read
 * @returns undefined when that or the heap is missing
 */
export function memoryOf(
  scrape: readonly MetricSample[],
  rss: number | undefined,
  atS: number,
): MemorySample | undefined {
  const find = (name: string, labels = ''): number | undefined =>
    scrape.find((sample) => sample.name === name && sample.labels === labels)?.value;
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
