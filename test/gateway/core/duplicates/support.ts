import { DeviceWindows, type DeviceWindowsSettings } from '../../../../gateway/core/duplicates/device-windows.ts';
import type { CopyKind, LatePlace, SequenceObserver } from '../../../../gateway/core/duplicates/observer.ts';
import { Ingest, type IngestObserver } from '../../../../gateway/core/ingest.ts';
import type { Outcome, Rejection } from '../../../../gateway/core/outcome.ts';
import { createPipeline } from '../../../../gateway/core/pipeline.ts';
import type { Publish, Settleable } from '../../../../gateway/core/publish.ts';
import type { Pressure, RecordEncoder, RecordSink } from '../../../../gateway/core/record-sink.ts';
import type { TrackedEvent } from '../../../../gateway/core/tracked-event.ts';
import { defaultOptions, protobufBytes, report, TestPublish } from '../fixture.ts';

export const deadLetterTopic = 'dead';

interface HeldRecord {
  readonly topic: string;
  readonly event: unknown;
  readonly settleable: Settleable;
}

/** Keeps what is appended until the test says how it ends. */
export class HeldSink implements RecordSink {
  readonly held: HeldRecord[] = [];
  appended = 0;

  append<Event>(
    topic: string,
    _key: string,
    _timestampMs: number,
    _encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    this.held.push({ topic, event, settleable });
    this.appended += 1;
    return true;
  }

  /** Settles the record at `index`: by default the one that has been held for longest. */
  settle(outcome: Outcome, index = 0): HeldRecord {
    const [record] = this.held.splice(index, 1);
    if (record === undefined) throw new Error(`no record is held at ${index}`);
    record.settleable.settleRecord(outcome);
    return record;
  }

  /** Sequences of the events that are held, in their order. */
  get sequences(): number[] {
    return this.held.flatMap(({ topic, event }) =>
      topic === deadLetterTopic ? [] : [(event as TrackedEvent).sequence],
    );
  }
}

/** Counts of publishes, by name. */
export class Account implements IngestObserver {
  readonly counts: Record<string, number> = {};
  received = () => this.#count('received');
  delivered = () => this.#count('delivered');
  spooled = () => this.#count('spooled');
  duplicate = () => this.#count('duplicate');
  shed = () => this.#count('shed');
  unanswered = () => this.#count('unanswered');
  unkept = () => this.#count('unkept');
  rejected = (_publish: Publish, _rejection: Rejection, deadLettered: boolean) =>
    this.#count(deadLettered ? 'lettered' : 'unlettered');

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  /** Publishes that have not ended. */
  get open(): number {
    const { received = 0, ...ended } = this.counts;
    return received - Object.values(ended).reduce((sum, count) => sum + count, 0);
  }
}

/** What was seen in the sequences, by name. */
export class SequenceCounts implements SequenceObserver {
  readonly counts: Record<string, number> = {};
  gap = (missing: number) => {
    this.#add('gaps', 1);
    this.#add('missing', missing);
  };
  late = (place: LatePlace) => this.#add(`late ${place}`, 1);
  reset = () => this.#add('resets', 1);
  copy = (kind: CopyKind) => this.#add(`copy ${kind}`, 1);
  reused = () => this.#add('reused', 1);
  waitRefused = () => this.#add('wait refused', 1);
  forgotten = () => this.#add('forgotten', 1);
  untracked = () => this.#add('untracked', 1);

  #add(name: string, by: number): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }
}

export const usualSettings: DeviceWindowsSettings = {
  maxDevices: 100,
  windowSize: 64,
  maxWaitingCopies: 1000,
  maxWaitingBytes: 1_000_000,
};

export interface Sent {
  readonly deviceId?: string;
  readonly bootId?: number;
  readonly qos?: 0 | 1 | 2;
  readonly eventTimeUs?: number;
}

/** A publish whose connection may be gone. */
export class LosablePublish extends TestPublish {
  isLost = false;

  override get isAbandoned(): boolean {
    return this.isLost;
  }
}

/** The core with windows, behind it a sink that the test settles. */
export class Core {
  readonly sink = new HeldSink();
  readonly account = new Account();
  readonly sequences = new SequenceCounts();
  readonly windows: DeviceWindows;
  readonly #ingest: Ingest;
  pressure: Pressure = 0;

  constructor(settings: Partial<DeviceWindowsSettings> = {}) {
    this.windows = new DeviceWindows({ ...usualSettings, ...settings }, this.sequences);
    this.#ingest = new Ingest({
      pipeline: createPipeline({ ...defaultOptions, windows: this.windows }),
      sink: this.sink,
      deadLetterTopic,
      source: defaultOptions.source,
      observer: this.account,
      pressure: () => this.pressure,
    });
  }

  /** One event, or several in a batch. */
  send(sequences: number | readonly number[], { deviceId = 'unit-7', bootId = 1, qos = 1, ...fields }: Sent = {}) {
    const message = (sequence: number) => ({ ...report, bootId, sequence, ...fields });
    const isBatch = typeof sequences !== 'number';
    const payload = isBatch
      ? protobufBytes('VehicleTelemetryBatch', { items: sequences.map(message) })
      : protobufBytes('VehicleTelemetry', message(sequences));
    const topic = `v1/vehicles/veh-7/telemetry${isBatch ? '/batch' : ''}`;
    return this.receive(
      new LosablePublish({ identity: { deviceId, kind: 'vehicle', boundTo: 'veh-7' }, topic, payload, qos }),
    );
  }

  receive<Sent extends Publish>(publish: Sent): Sent {
    this.#ingest.receive(publish);
    return publish;
  }
}
