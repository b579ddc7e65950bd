import type { Outcome } from '../../../gateway/core/outcome.ts';
import type { Settleable } from '../../../gateway/core/publish.ts';
import type { RecordEncoder } from '../../../gateway/core/record-sink.ts';
import type { KafkaObserver } from '../../../gateway/kafka/observer.ts';
import type { KafkaSettings } from '../../../gateway/kafka/settings.ts';

export type ObservedEvent = keyof KafkaObserver;

/** Writes down what the producer reports. */
export class RecordingObserver {
  readonly events: { readonly name: string; readonly args: readonly unknown[] }[] = [];
  readonly observer: KafkaObserver = new Proxy({} as KafkaObserver, {
    get:
      (_, name) =>
      (...args: unknown[]) => {
        this.events.push({ name: String(name), args });
      },
  });

  of(name: ObservedEvent): (readonly unknown[])[] {
    return this.events.filter((event) => event.name === name).map(({ args }) => args);
  }
}

/** Values as text, one header or none. */
export const textEncoder: RecordEncoder<string> = {
  writeValue(text, target, offset) {
    const bytes = Buffer.from(text);
    if (offset + bytes.length > target.length) return -1;
    target.set(bytes, offset);
    return offset + bytes.length;
  },
  writeHeaders(_text, target, offset) {
    if (offset >= target.length) return -1;
    target[offset] = 0;
    return offset + 1;
  },
};

/** Settlements in the order in which they came. */
export class Settlements {
  readonly settled: { readonly name: string; readonly outcome: Outcome }[] = [];

  of(name: string): Settleable {
    return { settleRecord: (outcome) => void this.settled.push({ name, outcome }) };
  }

  names(kind: Outcome['kind']): string[] {
    return this.settled.filter(({ outcome }) => outcome.kind === kind).map(({ name }) => name);
  }
}

/** Quick, so that tests do not wait: short pauses and timeouts. */
export const quickSettings: Omit<KafkaSettings, 'bootstrapBrokers'> = {
  clientId: 'test',
  lingerMs: 1,
  maxBatchBytes: 64 * 1024,
  maxBatchRecords: 1000,
  maxRequestsInFlightPerBroker: 2,
  requestTimeoutMs: 1000,
  retryBackoffMs: 5,
  retryBackoffMaxMs: 20,
  metadataMaxAgeMs: 60_000,
  softRecords: 10_000,
  hardRecords: 20_000,
  softBytes: 8 * 1024 * 1024,
  hardBytes: 16 * 1024 * 1024,
  unreachableAfterMs: 0,
  startTimeoutMs: 2000,
  createTopics: { enabled: false, partitions: 1, replicationFactor: 1, minInSyncReplicas: 1 },
};
