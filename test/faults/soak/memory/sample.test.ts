import { expect, test } from 'vitest';
import { memoryOf } from '../../../../faults/soak/memory/sample.ts';

const sample = (name: string, value: number, labels = '') => ({ name, labels, value });

test('finds the heap among the metrics of the gateway', () => {
  const scrape = [
    sample('nodejs_heap_size_used_bytes', 31_457_280),
    sample('nodejs_external_memory_bytes', 4_500_000),
    sample('nodejs_gc_duration_seconds_count', 90, '{kind="minor"}'),
    sample('nodejs_gc_duration_seconds_count', 7, '{kind="major"}'),
  ];
  expect(memoryOf(scrape, 104_857_600, 12)).toEqual({
    atS: 12,
    rss: 104_857_600,
    heapUsed: 31_457_280,
    external: 4_500_000,
    majorCollections: 7,
  });
});

test('finds nothing where the heap is not among them, or the system says nothing', () => {
  expect(memoryOf([sample('edge_pressure', 0)], 1, 12)).toBeUndefined();
  expect(memoryOf([sample('nodejs_heap_size_used_bytes', 1)], undefined, 12)).toBeUndefined();
});
