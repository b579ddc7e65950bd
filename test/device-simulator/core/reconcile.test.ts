import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ledger } from '../../../device-simulator/core/ledger.ts';
import { partitionOf } from '../../../device-simulator/core/murmur2.ts';
import { type KafkaEvent, Reconciler } from '../../../device-simulator/core/reconcile.ts';

const partitions = 6;

const record = (subject: string, sequence: number, change: Partial<KafkaEvent> = {}): KafkaEvent => {
  const key = change.key ?? subject;
  return {
    topic: 'veh.events.raw',
    partition: partitionOf(key, partitions),
    partitions,
    key,
    expectedKey: key,
    subject,
    bootId: 77,
    sequence,
    eventId: `dev-${subject}:77:${sequence}`,
    ...change,
  };
};

/** A ledger of `subjects`, each having sent and got acknowledged the sequences 1 to `messages`. */
function acknowledged(subjects: readonly string[], messages: number): Ledger {
  const ledger = new Ledger();
  for (const subject of subjects) {
    const account = ledger.open(subject, 77, `dev-${subject}`);
    for (let sequence = 1; sequence <= messages; sequence += 1) {
      ledger.recordSent(account, sequence);
      ledger.recordAcknowledged(account, sequence);
    }
  }
  return ledger;
}

function conclude(ledger: Ledger, records: readonly KafkaEvent[]) {
  const reconciler = new Reconciler(ledger);
  for (const each of records) reconciler.observe(each);
  return reconciler.conclude();
}

const allOf = (subjects: readonly string[], messages: number): KafkaEvent[] =>
  subjects.flatMap((subject) => Array.from({ length: messages }, (_, i) => record(subject, i + 1)));

const clean = { lost: 0, phantom: 0, duplicated: 0, outOfOrder: 0, wrongPartition: 0, wrongId: 0 };

describe('reconciliation', () => {
  it('finds nothing when Kafka has exactly what was acknowledged', () => {
    const ledger = acknowledged(['veh-1', 'veh-2'], 20);
    const figures = conclude(ledger, allOf(['veh-1', 'veh-2'], 20));
    expect(figures).toMatchObject({ ...clean, sent: 40, acked: 40, inKafka: 40, unanswered: 0, foreign: 0 });
  });

  it('finds an acknowledged message that Kafka does not have', () => {
    const records = allOf(['veh-1'], 5).filter(({ sequence }) => sequence !== 3);
    const figures = conclude(acknowledged(['veh-1'], 5), records);
    expect(figures).toMatchObject({ ...clean, lost: 1, inKafka: 4 });
    expect(figures.examples.lost).toEqual(['veh-1 boot 77 sequence 3']);
  });

  it('counts as lost what was acknowledged by a gateway that wrote nothing at all', () => {
    expect(conclude(acknowledged(['veh-1', 'veh-2'], 5), [])).toMatchObject({ ...clean, lost: 10, inKafka: 0 });
  });

  it('does not count as lost what was never acknowledged', () => {
    const ledger = acknowledged(['veh-1'], 2);
    ledger.recordSent(0, 3);
    ledger.recordSent(0, 4);
    const figures = conclude(ledger, [...allOf(['veh-1'], 2), record('veh-1', 3)]);
    expect(figures).toMatchObject({ ...clean, sent: 4, acked: 2, inKafka: 3, unanswered: 1 });
  });

  it('does not count as lost or unanswered what was rejected', () => {
    const ledger = acknowledged(['veh-1'], 1);
    ledger.recordSent(0, 2);
    ledger.recordRejected(0, 2);
    expect(conclude(ledger, allOf(['veh-1'], 1))).toMatchObject({ ...clean, rejected: 1, unanswered: 0 });
  });

  it('finds two records that swapped', () => {
    const [one, two, three] = allOf(['veh-1'], 3) as [KafkaEvent, KafkaEvent, KafkaEvent];
    const figures = conclude(acknowledged(['veh-1'], 3), [one, three, two]);
    expect(figures).toMatchObject({ ...clean, outOfOrder: 1, inKafka: 3 });
    expect(figures.examples.outOfOrder[0]).toContain('sequence 2');
  });

  it('counts a repetition as a duplicate and not as disorder', () => {
    const records = [1, 2, 3, 1, 2, 3, 4].map((sequence) => record('veh-1', sequence));
    expect(conclude(acknowledged(['veh-1'], 4), records)).toMatchObject({ ...clean, duplicated: 3, inKafka: 4 });
  });

  it('finds a record that no device has sent', () => {
    const figures = conclude(acknowledged(['veh-1'], 2), [...allOf(['veh-1'], 2), record('veh-1', 9)]);
    expect(figures).toMatchObject({ ...clean, phantom: 1, inKafka: 2 });
    for (const sequence of [-1, 1.5, Number.MAX_SAFE_INTEGER, Number.NaN]) {
      const odd = conclude(acknowledged(['veh-1'], 1), [record('veh-1', 1), record('veh-1', sequence)]);
      expect(odd).toMatchObject({ ...clean, phantom: 1 });
    }
  });

  it('finds a record on a partition that is not that of its key', () => {
    const astray = record('veh-1', 2, { partition: (partitionOf('veh-1', partitions) + 1) % partitions });
    const figures = conclude(acknowledged(['veh-1'], 2), [record('veh-1', 1), astray]);
    expect(figures).toMatchObject({ ...clean, wrongPartition: 1 });
  });

  it('finds a record under a key that is not its own, even on that key’s partition', () => {
    const misfiled = record('veh-1', 2, { key: 'veh-2', expectedKey: 'veh-1' });
    const figures = conclude(acknowledged(['veh-1'], 2), [record('veh-1', 1), misfiled]);
    expect(figures).toMatchObject({ ...clean, wrongPartition: 1 });
  });

  it('finds a wrong or missing event id', () => {
    const records = [record('veh-1', 1, { eventId: undefined }), record('veh-1', 2, { eventId: 'dev-veh-1:77:1' })];
    expect(conclude(acknowledged(['veh-1'], 2), records)).toMatchObject({ ...clean, wrongId: 2 });
  });

  it('does not judge events of other runs', () => {
    const others = [record('veh-1', 1, { bootId: 78 }), record('veh-9', 1)];
    expect(conclude(acknowledged(['veh-1'], 1), [...others, record('veh-1', 1)])).toMatchObject({
      ...clean,
      foreign: 2,
    });
  });

  it('asks for order within a key only: a bay reports under the keys of its visitors', () => {
    const records = [
      record('bay-1', 2, { key: 'veh-5' }),
      record('bay-1', 4, { key: 'veh-5' }),
      record('bay-1', 1),
      record('bay-1', 3),
    ];
    expect(conclude(acknowledged(['bay-1'], 4), records)).toMatchObject({ ...clean, inKafka: 4 });
    const swapped = [records[1], records[0], records[2], records[3]] as KafkaEvent[];
    expect(conclude(acknowledged(['bay-1'], 4), swapped)).toMatchObject({ ...clean, outOfOrder: 1 });
  });

  it('asks for no order between partitions, which are read in any order', () => {
    const elsewhere = (partitionOf('veh-1', partitions) + 1) % partitions;
    const records = [record('veh-1', 3, { partition: elsewhere }), record('veh-1', 1), record('veh-1', 2)];
    expect(conclude(acknowledged(['veh-1'], 3), records)).toMatchObject({ ...clean, wrongPartition: 1 });
  });

  it('counts what any mixture of losses, repetitions and swaps does to a fleet', () => {
    const subjects = ['veh-1', 'veh-2', 'veh-3'];
    const messages = 12;
    const picks = fc.uniqueArray(fc.tuple(fc.constantFrom(...subjects), fc.integer({ min: 1, max: messages })), {
      selector: ([subject, sequence]) => `${subject}/${sequence}`,
      maxLength: 15,
    });
    fc.assert(
      fc.property(picks, picks, (dropped, repeated) => {
        const isOf = (list: [string, number][]) => (each: KafkaEvent) =>
          list.some(([subject, sequence]) => subject === each.subject && sequence === each.sequence);
        const kept = allOf(subjects, messages).filter((each) => !isOf(dropped)(each));
        const repetitions = kept.filter(isOf(repeated));
        expect(conclude(acknowledged(subjects, messages), [...kept, ...repetitions])).toMatchObject({
          ...clean,
          lost: dropped.length,
          duplicated: repetitions.length,
          inKafka: kept.length,
        });
      }),
    );
  });

  it('finds disorder in every permutation but the sorted one', () => {
    const sequences = [1, 2, 3, 4, 5, 6];
    fc.assert(
      fc.property(fc.shuffledSubarray(sequences, { minLength: 6 }), (order) => {
        const figures = conclude(
          acknowledged(['veh-1'], 6),
          order.map((sequence) => record('veh-1', sequence)),
        );
        const isSorted = order.every((sequence, index) => sequence === index + 1);
        expect(figures.outOfOrder > 0).toBe(!isSorted);
        expect(figures.inKafka).toBe(6);
      }),
    );
  });

  it('gives the same verdict however the partitions are interleaved while they are read', () => {
    const subjects = ['veh-1', 'veh-2', 'veh-3', 'veh-4'];
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 3 }), { maxLength: 60 }), (choices) => {
        const queues = subjects.map((subject) => allOf([subject], 10));
        const interleaved: KafkaEvent[] = [];
        for (const choice of choices) interleaved.push(...(queues[choice]?.splice(0, 1) ?? []));
        interleaved.push(...queues.flat());
        expect(conclude(acknowledged(subjects, 10), interleaved)).toMatchObject({ ...clean, inKafka: 40 });
      }),
    );
  });
});
