import { Bitset } from './bitset.ts';
import { type Ledger, maxSequence } from './ledger.ts';
import { partitionOf } from './murmur2.ts';

/** One record as Kafka has it; records of one partition are given in the order of their offsets. */
export interface KafkaEvent {
  readonly topic: string;
  readonly partition: number;
  /** How many partitions the topic has. */
  readonly partitions: number;
  readonly key: string;
  /** The key that the event ought to have, by its value. */
  readonly expectedKey: string;
  /** The vehicle or bay that reports. */
  readonly subject: string;
  readonly bootId: number;
  readonly sequence: number;
  /** CloudEvents id, from the record's header; undefined when it has none. */
  readonly eventId: string | undefined;
}

export const findings = ['lost', 'phantom', 'duplicated', 'outOfOrder', 'wrongPartition', 'wrongId'] as const;
export type Finding = (typeof findings)[number];

export interface Reconciliation extends Record<Finding, number> {
  readonly sent: number;
  readonly acked: number;
  readonly rejected: number;
  /** Different messages of this run that Kafka has. */
  readonly inKafka: number;
  /** Sent, never answered, and not in Kafka: no promise was broken. */
  readonly unanswered: number;
  /** Records on the topic that belong to no boot of this run; not judged. */
  readonly foreign: number;
  /** The first few of each finding, for people. */
  readonly examples: Readonly<Record<Finding, readonly string[]>>;
}

const examplesKept = 5;

interface Seen {
  readonly sequences: Bitset;
  /** By key and partition: highest sequence among the first appearances so far. Partitions have no order in common. */
  readonly highest: Map<string, number>;
}

/**
 * Compares what Kafka has with the ledger, record by record.
 *
 * - lost: acknowledged, and not in Kafka;
 * - phantom: in Kafka, of a boot of this run, and never sent;
 * - duplicated: records beyond the first of a message;
 * - outOfOrder: a message whose first appearance comes after that of a later message of the same device and key
 *   (repetitions of what was there before are duplicates, not disorder);
 * - wrongPartition: a record on another partition than murmur2 gives its key, or under a key that is not its own. One
 *   key on two partitions is covered: at most one of them is right;
 * - wrongId: the CloudEvents id is not `sender:boot:sequence`.
 */
export class Reconciler {
  readonly #ledger: Ledger;
  readonly #seen: (Seen | undefined)[] = [];
  readonly #counts: Record<Finding, number> = zeroes(() => 0);
  readonly #examples: Record<Finding, string[]> = zeroes(() => []);
  readonly #partitionByKey = new Map<string, Map<string, number>>();
  #foreign = 0;
  #inKafka = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Takes one record. */
  observe(event: KafkaEvent): void {
    const number = this.#ledger.find(event.subject, event.bootId);
    if (number === undefined) {
      this.#foreign += 1;
      return;
    }
    const { sent, sender } = this.#ledger.entry(number);
    if (!isSequence(event.sequence) || !sent.has(event.sequence)) this.#found('phantom', event);
    else this.#place(number, event);
    if (event.key !== event.expectedKey || event.partition !== this.#expectedPartition(event)) {
      this.#found('wrongPartition', event);
    }
    if (event.eventId !== `${sender}:${event.bootId}:${event.sequence}`) this.#found('wrongId', event);
  }

  /** Whether a message of this boot (its number in the ledger) has been observed. */
  hasSeen(number: number, sequence: number): boolean {
    return this.#seen[number]?.sequences.has(sequence) ?? false;
  }

  /** The verdict over everything observed. Lost can only be known when all records have been observed. */
  conclude(): Reconciliation {
    let unanswered = 0;
    const lost: string[] = [];
    let lostCount = 0;
    for (const [number, entry] of this.#ledger.entries.entries()) {
      const seen = this.#seen[number]?.sequences;
      for (const sequence of entry.sent) {
        if (seen?.has(sequence)) continue;
        if (entry.acknowledged.has(sequence)) {
          lostCount += 1;
          if (lost.length < examplesKept) lost.push(`${entry.subject} boot ${entry.bootId} sequence ${sequence}`);
        } else if (!entry.rejected.has(sequence)) unanswered += 1;
      }
    }
    return {
      ...this.#counts,
      sent: this.#ledger.total('sent'),
      acked: this.#ledger.total('acknowledged'),
      rejected: this.#ledger.total('rejected'),
      inKafka: this.#inKafka,
      lost: lostCount,
      unanswered,
      foreign: this.#foreign,
      examples: { ...this.#examples, lost },
    };
  }

  #place(number: number, event: KafkaEvent): void {
    const seen = this.#seen[number] ?? { sequences: new Bitset(), highest: new Map<string, number>() };
    this.#seen[number] = seen;
    if (!seen.sequences.add(event.sequence)) {
      this.#found('duplicated', event);
      return;
    }
    this.#inKafka += 1;
    const place = `${event.topic}/${event.partition}/${event.key}`;
    const highest = seen.highest.get(place);
    if (highest !== undefined && highest > event.sequence) this.#found('outOfOrder', event);
    else seen.highest.set(place, event.sequence);
  }

  /** Kept per key: a fleet has few keys and many records. */
  #expectedPartition({ topic, key, partitions }: KafkaEvent): number {
    const byKey = this.#partitionByKey.get(topic) ?? new Map<string, number>();
    if (byKey.size === 0) this.#partitionByKey.set(topic, byKey);
    const partition = byKey.get(key) ?? partitionOf(key, partitions);
    byKey.set(key, partition);
    return partition;
  }

  #found(finding: Finding, { subject, bootId, sequence, key, topic, partition }: KafkaEvent): void {
    this.#counts[finding] += 1;
    const examples = this.#examples[finding];
    if (examples.length >= examplesKept) return;
    examples.push(`${subject} boot ${bootId} sequence ${sequence}, key ${key} on ${topic}/${partition}`);
  }
}

const isSequence = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= maxSequence;

function zeroes<Value>(zero: () => Value): Record<Finding, Value> {
  return {
    lost: zero(),
    phantom: zero(),
    duplicated: zero(),
    outOfOrder: zero(),
    wrongPartition: zero(),
    wrongId: zero(),
  };
}
