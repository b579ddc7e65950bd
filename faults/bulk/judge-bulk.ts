import { Reconciler, type Reconciliation } from '../../device-simulator/core/reconcile.ts';
import { type PlacedRecord, TopicReader } from '../judge/topic-reader.ts';
import type { BulkLoad } from './bulk-load.ts';

export interface BulkVerdict extends Reconciliation {
  /** Records that are no message of this load, or not byte for byte. */
  readonly damaged: number;
}

/**
 * Reads back what a bulk load has written, with the judge's independent client, every byte compared.
 *
 * @param topic the Kafka topic of the raw route, written to by this load only
 * @throws {JudgeError} when Kafka cannot be read
 */
export async function judgeBulk(bootstrap: readonly string[], topic: string, load: BulkLoad): Promise<BulkVerdict> {
  const reader = new TopicReader(bootstrap);
  const reconciler = new Reconciler(load.ledger);
  let damaged = 0;
  await reader.read(await reader.bounds([topic]), (record) => {
    if (!observe(record, load, reconciler)) damaged += 1;
    return undefined;
  });
  return { ...reconciler.conclude(), damaged };
}

function observe({ topic, partition, partitions, message }: PlacedRecord, load: BulkLoad, to: Reconciler): boolean {
  const content = message.value === null ? undefined : load.payloads.read(message.value);
  const entry = content === undefined ? undefined : load.ledger.entries[content.vehicle];
  if (content === undefined || entry === undefined) return false;
  const { subject, bootId, sender } = entry;
  const { sequence } = content;
  to.observe({
    ...{ topic, partition, partitions, subject, bootId, sequence },
    key: (message.key ?? '').toString(),
    expectedKey: subject,
    // The ids of raw records are not made of boot and sequence: they are not what is judged here.
    eventId: `${sender}:${bootId}:${sequence}`,
  });
  return true;
}

/** What is wrong, in words; nothing when it is as it must be. */
export function bulkProblems(verdict: BulkVerdict, duplicateBound: number): string[] {
  const { lost, phantom, foreign, outOfOrder, wrongPartition, damaged, duplicated, acked, rejected } = verdict;
  const problems: string[] = [];
  const zero = (count: number, what: string): void => {
    if (count > 0) problems.push(`${count} large payloads ${what}`);
  };
  zero(lost, 'lost');
  zero(phantom + foreign, 'on Kafka that were never sent');
  zero(outOfOrder, 'out of order');
  zero(wrongPartition, 'on a wrong partition');
  zero(damaged, 'damaged');
  zero(rejected, 'rejected');
  if (duplicated > duplicateBound)
    problems.push(`${duplicated} large payloads twice, where the faults explain ${duplicateBound}`);
  if (acked === 0) problems.push('no large payload was acknowledged at all');
  return problems.length === 0 ? [] : [...problems, ...Object.values(verdict.examples).flat()];
}
