import type { KafkaMessage } from 'kafkajs';
import type { RegisteredAvro } from '../../device-simulator/verify/registry.ts';
import { contentOf, type ReportFields, type ReportReader } from '../content.ts';
import type { JudgedEvent, Letter } from './judgement.ts';
import type { PlacedRecord } from './topic-reader.ts';

const text = (bytes: Buffer | string | null | undefined): string => (bytes ?? '').toString();

function headerText(message: KafkaMessage, name: string): string | undefined {
  const value = message.headers?.[name];
  return value === undefined ? undefined : value.toString();
}

/** The event in a record of the events topic; undefined when it is none of the contract's vehicle reports. */
export function readEvent(
  { topic, partition, partitions, message }: PlacedRecord,
  registry: RegisteredAvro,
): JudgedEvent | undefined {
  const { value, key } = message;
  const fields = value === null ? undefined : registry.decode(value, 0, value.length);
  const name = fields && nameIn(fields);
  if (!name) return undefined;
  const { vehicleId, bootId, sequence } = name;
  const eventId = headerText(message, 'ce_id');
  return {
    ...{ topic, partition, partitions, bootId, sequence, eventId },
    key: text(key),
    expectedKey: vehicleId,
    subject: vehicleId,
    content: contentOf(fields),
  };
}

/** The publish inside a dead letter, the device's own bytes; undefined when the payload is no vehicle report. */
export function readLetter({ topic, partition, message }: PlacedRecord, reader: ReportReader): Letter | undefined {
  const report = message.value === null ? undefined : reader.read(message.value);
  const name = report && nameIn(report);
  if (!name) return undefined;
  const { vehicleId: subject, bootId, sequence } = name;
  return { topic, partition, subject, bootId, sequence, content: contentOf(report) };
}

function nameIn({ vehicleId, bootId, sequence }: ReportFields) {
  if (typeof vehicleId !== 'string' || typeof bootId !== 'number' || typeof sequence !== 'number') return undefined;
  return { vehicleId, bootId, sequence };
}
