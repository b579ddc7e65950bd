import { describe, expect, it } from 'vitest';
import { memoryProblem } from '../../faults/memory-limit.ts';

const mib = (count: number): number => count * 1024 * 1024;
const figures = { quietBytes: mib(150), mostBytes: mib(160), hardBytes: mib(16) };

describe('the memory of a gateway whose records Kafka does not take', () => {
  it('may grow by what its settings let it hold, twice, and by some garbage', () => {
    expect(memoryProblem(figures)).toBeUndefined();
    expect(memoryProblem({ ...figures, mostBytes: mib(150 + 32 + 64) })).toBeUndefined();
  });

  it('is a problem when it grows beyond that', () => {
    expect(memoryProblem({ ...figures, mostBytes: mib(150 + 32 + 65) })).toBe(
      'the gateway grew from 150 to 247 MiB, where its settings allow 246',
    );
  });

  it('is a problem when it held a flood of 96 MiB, as received and as records', () => {
    expect(memoryProblem({ ...figures, mostBytes: mib(150 + 2 * 96) })).toContain('grew from 150 to 342 MiB');
  });

  it('is a problem when nobody looked', () => {
    expect(memoryProblem({ ...figures, quietBytes: 0 })).toContain('never looked at');
    expect(memoryProblem({ ...figures, mostBytes: 0 })).toContain('never looked at');
  });
});
