import { describe, expect, test } from 'vitest';
import { type BulkVerdict, bulkProblems } from '../../../faults/bulk/judge-bulk.ts';

const good: BulkVerdict = {
  ...{ sent: 10, acked: 10, rejected: 0, inKafka: 10, unanswered: 0, foreign: 0, damaged: 0 },
  ...{ lost: 0, phantom: 0, duplicated: 2, outOfOrder: 0, wrongPartition: 0, wrongId: 0 },
  examples: { lost: [], phantom: [], duplicated: ['v sequence 3'], outOfOrder: [], wrongPartition: [], wrongId: [] },
};

describe('bulkProblems', () => {
  test('has nothing against what is as it must be, explained duplicates included', () => {
    expect(bulkProblems(good, 2)).toEqual([]);
  });

  test.each(['lost', 'phantom', 'foreign', 'outOfOrder', 'wrongPartition', 'damaged', 'rejected'] as const)(
    'has something against a payload that is %s',
    (finding) => {
      expect(bulkProblems({ ...good, [finding]: 1 }, 2)).not.toEqual([]);
    },
  );

  test('has something against more duplicates than the faults explain, and gives an example', () => {
    expect(bulkProblems(good, 1)).toEqual([expect.stringContaining('twice'), 'v sequence 3']);
  });

  test('has something against a load that was never answered', () => {
    expect(bulkProblems({ ...good, acked: 0 }, 2)).not.toEqual([]);
  });
});
