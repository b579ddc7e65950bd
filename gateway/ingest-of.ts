import type { AlertPath } from './alert-path.ts';
import type { GatewayConfig } from './config/schema.ts';
import type { Contracts } from './contract/contract.ts';
import { alertRecord } from './contracts-of.ts';
import type { Access } from './core/access.ts';
import type { RecordCodec, RegisteredSchema } from './core/codec.ts';
import type { DeviceWindows } from './core/duplicates/device-windows.ts';
import { Ingest } from './core/ingest.ts';
import { LetterCap } from './core/letter-cap.ts';
import { createPipeline } from './core/pipeline.ts';
import type { Pressure, RecordSink } from './core/record-sink.ts';
import { sealingBytesOf } from './encryption-path.ts';
import type { Observability } from './observability/observability.ts';

/** More than a batch's header and a record's own lengths take, so that a record of the rest always fits into a batch. */
const batchOverheadBytes = 256;

/** What a publish meets on its way, beside the settings. */
export interface IngestParts {
  readonly contracts: Contracts;
  readonly schemas: ReadonlyMap<string, RegisteredSchema>;
  readonly access: Access;
  readonly alerts: AlertPath | undefined;
  readonly windows: DeviceWindows | undefined;
  readonly sink: RecordSink;
  readonly pressure: () => Pressure;
  readonly observability: Observability;
}

/** The way of a publish from the MQTT edge to the sink of records, by the settings. */
export function ingestOf(config: GatewayConfig, parts: IngestParts): Ingest {
  const { contracts, schemas, access, alerts, windows, sink, pressure, observability } = parts;
  const { routes, deadLetterTopic, eventSource, eventTenant, validation } = config;
  const origin = { source: eventSource, tenant: eventTenant };
  const sealingBytes = sealingBytesOf(config);
  const pipeline = createPipeline({
    routes,
    access,
    codecs: contracts.codecs(schemas),
    limits: validation,
    clockObserver: observability.ingest,
    stageObserver: observability.ingest,
    ...origin,
    alerts: alerts?.plan(contracts.recordCodecs(schemas).get(alertRecord) as RecordCodec, origin),
    windows,
    maxRecordBytes: config.kafka.maxBatchBytes - batchOverheadBytes - sealingBytes,
  });
  return new Ingest({
    ...origin,
    pipeline,
    sink,
    withholdDetails: sealingBytes > 0,
    deadLetterTopic,
    letterCap: new LetterCap(config.deadLetters),
    observer: observability.ingest,
    stageObserver: observability.ingest,
    pressure,
  });
}
