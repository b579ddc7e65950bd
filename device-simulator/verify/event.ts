import type { KafkaEvent } from '../core/reconcile.ts';
import type { RecordCursor } from './record-cursor.ts';
import type { PartitionPlace } from './topic-reader.ts';

/** What a decoded record says about where it comes from; undefined when it is not one of the contract's events. */
export function eventOf(
  { topic, partition, partitions }: PartitionPlace,
  record: RecordCursor,
  fields: Readonly<Record<string, unknown>>,
): KafkaEvent | undefined {
  const { bayId, vehicleId, bootId, sequence } = fields;
  // A bay event may name a vehicle too: the bay reports, the vehicle is the key.
  const subject = bayId ?? vehicleId;
  const expectedKey = vehicleId ?? bayId;
  if (typeof subject !== 'string' || typeof expectedKey !== 'string') return undefined;
  if (typeof bootId !== 'number' || typeof sequence !== 'number') return undefined;
  return {
    topic,
    partition,
    partitions,
    key: record.key() ?? '',
    expectedKey,
    subject,
    bootId,
    sequence,
    eventId: record.eventId(),
  };
}
