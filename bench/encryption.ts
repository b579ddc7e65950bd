import { deflateRawSync } from 'node:zlib';
import { Command } from 'commander';
import { count } from '../command-line/numbers.ts';
import { loadContracts } from '../gateway/contract/contract.ts';
import { defaultRoutes } from '../gateway/core/default-routes.ts';
import { delivered, type Outcome } from '../gateway/core/outcome.ts';
import { createPipeline, type Pipeline } from '../gateway/core/pipeline.ts';
import { Publish, type Settleable } from '../gateway/core/publish.ts';
import { Recall } from '../gateway/core/recall.ts';
import type { RecordEncoder, RecordSink } from '../gateway/core/record-sink.ts';
import { SealingSink } from '../gateway/encryption/sealing-sink.ts';
import { SecretKey } from '../gateway/encryption/secret-key.ts';
import { BufferPool } from '../gateway/record-batch/buffer-pool.ts';
import { KeyBytes } from '../gateway/record-batch/key-bytes.ts';
import { OpenBatch } from '../gateway/record-batch/open-batch.ts';
import { framesOf, loadTelemetryType } from './load/fleet.ts';
import { device, telemetryTopic } from './load/frames.ts';
import { median } from './measure/median.ts';

/**
 * What encryption of records costs: the gateway's own pipeline takes the reports of a fleet into real record batches,
 * compressed as they are sent, with and without it. No sockets and no Kafka, so that the difference is not lost in theirs.
 */
const options = new Command('node bench/encryption.ts')
  .description('Measures CPU and bytes of a record with and without encryption.')
  .option('--records <records>', 'of each run', count, 200_000)
  .option('--batch-records <records>', 'in a batch', count, 1000)
  .option('--devices <devices>', 'that report in turns', count, 500)
  .option('--rounds <rounds>', 'of which the median is taken, after one to warm up', count, 5)
  .allowExcessArguments(false)
  .addHelpText('after', '\nThe last line is JSON. Exit codes: 0 measured; 2 unusable arguments.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ records: number; batchRecords: number; devices: number; rounds: number }>();

const maxBatchBytes = 1_048_576;
const topic = 'veh.events.raw';
const slots = 4;

/** Batches of so many records, sealed as the producer seals them; nobody takes them. */
class Batches implements RecordSink {
  readonly #batch = new OpenBatch(new BufferPool(maxBatchBytes, maxBatchBytes));
  readonly #key = new KeyBytes();
  bytes = 0;

  append<Event>(
    _topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    const length = this.#key.encode(key);
    if (this.#batch.append(this.#key.bytes, length, timestampMs, encoder, event, settleable) < 0) return false;
    if (this.#batch.records >= options.batchRecords) this.seal();
    return true;
  }

  seal(): void {
    if (this.#batch.records === 0) return;
    const { bytes, settleables } = this.#batch.seal();
    this.bytes += bytes.length;
    for (const settleable of settleables) settleable.settleRecord(delivered);
  }
}

class Report extends Publish {
  readonly identity;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos = 1;
  readonly receivedAtMs: number;
  readonly contentType = undefined;
  readonly traceparent = undefined;
  readonly correlationId = undefined;
  readonly #recall: Recall;

  constructor({ deviceId, vehicleId, topic: mqttTopic, recall }: Vehicle, payload: Uint8Array, receivedAtMs: number) {
    super();
    this.identity = { deviceId, kind: 'vehicle', boundTo: vehicleId } as const;
    this.topic = mqttTopic;
    this.payload = payload;
    this.receivedAtMs = receivedAtMs;
    this.#recall = recall;
  }

  override get recall(): Recall {
    return this.#recall;
  }

  answer(_outcome: Outcome): void {}
}

const type = await loadTelemetryType();
const vehicles = Array.from({ length: options.devices }, (_, index) => {
  const { deviceId, vehicleId } = device(index);
  const frames = framesOf(type, index, slots, 4_000_000_000);
  return { deviceId, vehicleId, topic: telemetryTopic(vehicleId), recall: new Recall(), frames };
});
type Vehicle = (typeof vehicles)[number];

const contracts = loadContracts({ routes: defaultRoutes });
const registered = contracts.schemas.map(({ subject }, id) => {
  return [subject, { registry: 'confluent', id, uri: `http://registry/schemas/ids/${id}` }] as const;
});
const pipeline: Pipeline = createPipeline({
  routes: defaultRoutes,
  codecs: contracts.codecs(new Map(registered)),
  limits: { maxClockAheadSeconds: 300, maxClockBehindSeconds: 3600, absurdClock: 'reject', maxBatchItems: 100 },
  source: '/edge-ingest-gateway',
  maxRecordBytes: maxBatchBytes - 1024,
});

const key = new SecretKey('2026-11', Buffer.alloc(32, 1));
const keys = { current: () => key, byId: () => key };

interface Figures {
  readonly cpuUs: number;
  readonly bytes: number;
}

function run(isEncrypted: boolean): Figures {
  const batches = new Batches();
  const sealing = { target: batches, keys, topics: new Set([topic]), maxRecordBytes: maxBatchBytes };
  const sink = isEncrypted ? new SealingSink(sealing) : batches;
  const before = process.cpuUsage();
  for (let i = 0; i < options.records; i++) {
    const vehicle = vehicles[i % vehicles.length] as Vehicle;
    const nowMs = Date.now();
    const frame = vehicle.frames[Math.floor(i / vehicles.length) % slots] as Vehicle['frames'][number];
    frame.stamp(i, nowMs);
    const payload = frame.bytes.subarray(frame.bytes.length - frame.payloadBytes);
    if (pipeline.run(new Report(vehicle, payload, nowMs), sink) !== undefined) throw new Error('a report was rejected');
  }
  batches.seal();
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: (user + system) / options.records, bytes: batches.bytes / options.records };
}

/** What compressing each value for itself, before it is encrypted, could save: bytes of payloads, and of them deflated. */
function alone(): { valueBytes: number; deflatedValueBytes: number } {
  const payloads = vehicles.map(({ frames }) => {
    const { bytes, payloadBytes } = frames[0] as Vehicle['frames'][number];
    return bytes.subarray(-payloadBytes);
  });
  const mean = (sizes: readonly number[]) => Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
  return {
    valueBytes: mean(payloads.map(({ length }) => length)),
    deflatedValueBytes: mean(payloads.map((payload) => deflateRawSync(payload, { level: 9 }).length)),
  };
}

const plain: Figures[] = [];
const encrypted: Figures[] = [];
for (let round = 0; round <= options.rounds; round++) {
  plain.push(run(false));
  encrypted.push(run(true));
}
const of = (runs: readonly Figures[], figure: keyof Figures): number =>
  Math.round((median(runs.slice(1).map((each) => each[figure])) ?? Number.NaN) * 100) / 100;
const figures = {
  records: options.records,
  batchRecords: options.batchRecords,
  plain: { cpuUs: of(plain, 'cpuUs'), bytes: of(plain, 'bytes') },
  encrypted: { cpuUs: of(encrypted, 'cpuUs'), bytes: of(encrypted, 'bytes') },
  ...alone(),
};
console.log(JSON.stringify(figures));
