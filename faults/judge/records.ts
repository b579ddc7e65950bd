import { join } from 'node:path';
import type { KafkaMessage } from 'kafkajs';
import protobuf from 'protobufjs';
import type { KafkaEvent } from '../../device-simulator/core/reconcile.ts';
import type { RegisteredAvro } from '../../device-simulator/verify/registry.ts';
import type { Letter } from './judgement.ts';
import type { PlacedRecord } from './topic-reader.ts';

const protoDirectory = join(import.meta.dirname, '../../proto');

const text = (bytes: Buffer | string | null | undefined): string => (bytes ?? '').toString();

function headerText(message: KafkaMessage, name: string): string | undefined {
  const value = message.headers?.[name];
  return value === undefined ? undefined : value.toString();
}

/** The event in a record of the events topic; undefined when it is none of the contract's vehicle reports. */
export function readEvent(
  { topic, partition, partitions, message }: PlacedRecord,
  registry: RegisteredAvro,
): KafkaEvent | undefined {
  const { value, key } = message;
  const fields = value === null ? undefined : registry.decode(value, 0, value.length);
  const { vehicleId, bootId, sequence } = fields ?? {};
  if (typeof vehicleId !== 'string' || typeof bootId !== 'number' || typeof sequence !== 'number') return undefined;
  const eventId = headerText(message, 'ce_id');
  return {
    ...{ topic, partition, partitions, bootId, sequence, eventId },
    key: text(key),
    expectedKey: vehicleId,
    subject: vehicleId,
  };
}

/** Reads the publishes inside dead letters: the device's own bytes. */
export class LetterReader {
  readonly #telemetry: protobuf.Type;

  constructor() {
    const root = new protobuf.Root();
    root.resolvePath = (_origin, target) => join(protoDirectory, target);
    root.loadSync('mobility/telemetry/v1/vehicle_telemetry.proto');
    this.#telemetry = root.lookupType('mobility.telemetry.v1.VehicleTelemetry');
  }

  /** Undefined when the payload is no vehicle report. */
  read({ topic, partition, message }: PlacedRecord): Letter | undefined {
    if (message.value === null) return undefined;
    try {
      const report = this.#telemetry.toObject(this.#telemetry.decode(message.value), { longs: Number });
      const { vehicleId, bootId, sequence } = report;
      if (typeof vehicleId !== 'string' || typeof bootId !== 'number' || typeof sequence !== 'number') return undefined;
      return { topic, partition, subject: vehicleId, bootId, sequence };
    } catch {
      // What protobufjs throws for bytes that are no message of this type.
      return undefined;
    }
  }
}
