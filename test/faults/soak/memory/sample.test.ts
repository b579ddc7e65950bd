import { expect, test } from 'vitest';
import { parseMemory } from '../../../../faults/soak/memory/sample.ts';

const metrics = `# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 104857600
nodejs_heap_size_used_bytes 31457280
nodejs_external_memory_bytes 4.5e6
nodejs_gc_duration_seconds_count{kind="minor"} 90
nodejs_gc_duration_seconds_count{kind="major"} 7
`;

test('reads the memory out of the metrics of the gateway', () => {
  expect(parseMemory(metrics, 12)).toEqual({
    atS: 12,
    rss: 104_857_600,
    heapUsed: 31_457_280,
    external: 4_500_000,
    arrayBuffers: undefined,
    majorCollections: 7,
  });
});

test('reads nothing out of an answer that is not the metrics', () => {
  expect(parseMemory('service unavailable', 12)).toBeUndefined();
});
