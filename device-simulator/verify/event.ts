import type { KafkaRecord } from '@platformatic/kafka';
import type { KafkaEvent } from '../core/reconcile.ts';
import type { PartitionPlace } from './cluster.ts';

const eventIdHeader = Buffer.from('ce_id');

/** What a decoded record says about where it comes from; undefined when it is not one of the contract's events. */
export function eventOf(
  { topic, partition, partitions }: PartitionPlace,
  record: KafkaRecord,
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
    key: record.key?.toString() ?? '',
    expectedKey,
    subject,
    bootId,
    sequence,
    eventId: header(record, eventIdHeader),
  };
}

function header(record: KafkaRecord, name: Buffer): string | undefined {
  for (const [key, value] of record.headers) if (key?.equals(name)) return value?.toString();
  return undefined;
}
