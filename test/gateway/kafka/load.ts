import type { Producer } from '../../../gateway/kafka/producer.ts';
import type { ReadRecord } from '../../support/kafka-reader.ts';
import { Settlements, textEncoder } from './recording.ts';

/** Appends records of many vehicles, each with a number that counts up, and knows what was acknowledged. */
export class Load {
  readonly settlements = new Settlements();
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #vehicles: number;
  /**
   * Timestamp of the first record; one millisecond is between each and the next. It is recent, because brokers forget
   * after a restart what producers wrote whose records are older than `producer.id.expiration.ms` (a day).
   */
  readonly startedAtMs = Date.now();
  appended = 0;

  constructor(producer: Producer, topic: string, vehicles: number) {
    this.#producer = producer;
    this.#topic = topic;
    this.#vehicles = vehicles;
  }

  append(count: number): void {
    for (let i = 0; i < count; i++) {
      const vehicle = `vehicle-${this.appended % this.#vehicles}`;
      const text = `${vehicle}:${Math.floor(this.appended / this.#vehicles)}`;
      const timestampMs = this.startedAtMs + this.appended;
      this.#producer.append(this.#topic, vehicle, timestampMs, textEncoder, text, this.settlements.of(text));
      this.appended += 1;
    }
  }

  /** Appends `count` records in each of `rounds` rounds, with a pause between them. */
  async run(
    rounds: number,
    count: number,
    pauseMs: number,
    during?: (round: number) => Promise<void> | void,
  ): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      this.append(count);
      await during?.(round);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

export interface Verdict {
  readonly records: number;
  readonly distinct: number;
  readonly lost: number;
  readonly outOfOrder: number;
}

/** Compares what was acknowledged with what is in Kafka; the first copy of each record decides about its order. */
export function judge(acknowledged: readonly string[], records: readonly ReadRecord[]): Verdict {
  const stored = new Set<string>();
  const last = new Map<string, number>();
  let outOfOrder = 0;
  for (const { value } of records) {
    const text = String(value);
    if (stored.has(text)) continue;
    stored.add(text);
    const [vehicle = '', number = ''] = text.split(':');
    if (Number(number) !== (last.get(vehicle) ?? -1) + 1) outOfOrder += 1;
    last.set(vehicle, Number(number));
  }
  const lost = acknowledged.filter((text) => !stored.has(text)).length;
  return { records: records.length, distinct: stored.size, lost, outOfOrder };
}
