import { loadContracts } from '../../../gateway/contract/contract.ts';
import { loadProtos } from '../../../gateway/contract/proto-root.ts';
import type { RegisteredSchema } from '../../../gateway/core/codec.ts';
import { defaultRoutes } from '../../../gateway/core/default-routes.ts';
import type { Identity } from '../../../gateway/core/identity.ts';
import type { Outcome, Rejection } from '../../../gateway/core/outcome.ts';
import { createPipeline, type Pipeline } from '../../../gateway/core/pipeline.ts';
import type { PipelineOptions } from '../../../gateway/core/plan.ts';
import { Publish, type Settleable } from '../../../gateway/core/publish.ts';
import type { Recall } from '../../../gateway/core/recall.ts';
import type { RecordEncoder, RecordSink } from '../../../gateway/core/record-sink.ts';

export const receivedAtMs = Date.parse('2025-11-21T09:22:33.123Z');

export const vehicle: Identity = { deviceId: 'unit-7', kind: 'vehicle', boundTo: 'veh-7' };
export const bay: Identity = { deviceId: 'sensor-3', kind: 'bay', boundTo: 'bay-3' };
export const anonymous: Identity = { deviceId: 'client-1', kind: 'anonymous', boundTo: '' };

interface PublishFields {
  readonly identity: Identity;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly receivedAtMs: number;
  readonly contentType: string | undefined;
  readonly traceparent: string | undefined;
  readonly correlationId: string | undefined;
  readonly recall: Recall | undefined;
}

/** A publish that remembers its answers. */
export class TestPublish extends Publish {
  readonly identity: Identity;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly receivedAtMs: number;
  readonly contentType: string | undefined;
  readonly traceparent: string | undefined;
  readonly correlationId: string | undefined;
  readonly answers: Outcome[] = [];
  readonly #recall: Recall | undefined;

  constructor(fields: Partial<PublishFields>) {
    super();
    this.identity = fields.identity ?? vehicle;
    this.topic = fields.topic ?? 'v1/vehicles/veh-7/telemetry';
    this.payload = fields.payload ?? Buffer.alloc(0);
    this.qos = fields.qos ?? 1;
    this.receivedAtMs = fields.receivedAtMs ?? receivedAtMs;
    this.contentType = fields.contentType;
    this.traceparent = fields.traceparent;
    this.correlationId = fields.correlationId;
    this.#recall = fields.recall;
  }

  override get recall(): Recall | undefined {
    return this.#recall;
  }

  answer(outcome: Outcome): void {
    this.answers.push(outcome);
  }
}

export interface WrittenRecord {
  readonly topic: string;
  readonly key: string;
  readonly timestampMs: number;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly settleable: Settleable;
}

/** Keeps what is appended; like a lane, takes no record whose key, value and headers exceed `maxRecordBytes`. */
export class TestSink implements RecordSink {
  readonly records: WrittenRecord[] = [];
  readonly #maxRecordBytes: number;

  constructor(maxRecordBytes = 100_000) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    // Not at offset 0, as in a lane whose batch already holds records.
    const start = 17;
    const target = Buffer.alloc(start + Math.max(0, this.#maxRecordBytes - Buffer.byteLength(key)), 0xee);
    const valueEnd = encoder.writeValue(event, target, start);
    if (valueEnd < 0) return false;
    const headersEnd = encoder.writeHeaders(event, target, valueEnd);
    if (headersEnd < 0) return false;
    const value = target.subarray(start, valueEnd);
    const headers = readHeaders(target.subarray(valueEnd, headersEnd));
    this.records.push({ topic, key, timestampMs, value, headers, settleable });
    return true;
  }
}

/** Reads a header array of Kafka's record format v2; throws unless it ends where the bytes end. */
export function readHeaders(bytes: Buffer): Record<string, string> {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number((value >> 1n) ^ -(value & 1n));
    }
  };
  const text = () => {
    const length = varint();
    if (length < 0 || at + length > bytes.length) throw new RangeError(`a text of ${length} bytes at ${at}`);
    at += length;
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(at - length, at));
  };
  const headers = new Map<string, string>();
  for (let count = varint(); count > 0; count--) {
    const key = text();
    if (headers.has(key)) throw new Error(`header ${key} occurs twice`);
    headers.set(key, text());
  }
  if (at !== bytes.length) throw new RangeError(`${bytes.length - at} bytes behind the headers`);
  return Object.fromEntries(headers);
}

export const contracts = loadContracts({ routes: defaultRoutes });
export const schemaIds = new Map(contracts.schemas.map(({ subject }, index) => [subject, 0x01020300 + index]));

/** As a registry holds schemas with these ids. */
export const registered = (ids: ReadonlyMap<string, number>): ReadonlyMap<string, RegisteredSchema> =>
  new Map(
    [...ids].map(([subject, id]) => [subject, { registry: 'confluent', id, uri: `http://registry/schemas/ids/${id}` }]),
  );

export const defaultOptions: PipelineOptions = {
  routes: defaultRoutes,
  codecs: contracts.codecs(registered(schemaIds)),
  limits: { maxClockAheadSeconds: 300, maxClockBehindSeconds: 30 * 86_400, absurdClock: 'clamp', maxBatchItems: 100 },
  source: '/edge-ingest-gateway',
  maxRecordBytes: 100_000,
};

export const pipeline: Pipeline = createPipeline(defaultOptions);

/** Sends one publish through a pipeline. */
export function run(
  fields: Partial<PublishFields>,
  through = pipeline,
): { rejection?: Rejection; records: WrittenRecord[] } {
  const sink = new TestSink();
  const rejection = through.run(new TestPublish(fields), sink);
  return { ...(rejection && { rejection }), records: sink.records };
}

const protos = loadProtos([]);

/** Protobuf bytes of a message of `mobility.telemetry.v1`. */
export function protobufBytes(message: string, fields: object): Buffer {
  const type = protos.lookupType(`mobility.telemetry.v1.${message}`);
  return Buffer.from(type.encode(type.create(fields)).finish());
}

/** A valid VehicleTelemetry of veh-7. */
export const report = {
  vehicleId: 'veh-7',
  bootId: 4_000_000_000,
  sequence: 42,
  eventTimeUs: receivedAtMs * 1000 - 1_500_001,
  position: { latitudeDeg: 52.52, longitudeDeg: 13.405, altitudeM: 34, accuracyM: 2.5 },
  speedMps: 8.5,
  headingDeg: 271,
  batteryLevel: 0.75,
  batteryVoltageV: 398.5,
  odometerM: 3_000_000_000,
  status: 2,
  faultCodes: ['P0A80', 'U0100'],
};

/** A valid BayOccupancy of bay-3. */
export const occupancy = {
  bayId: 'bay-3',
  bootId: 1,
  sequence: 0,
  eventTimeUs: receivedAtMs * 1000,
  state: 2,
  vehicleId: 'veh-9',
  batteryLevel: 0.5,
};

export const telemetry = (overrides: object = {}): Buffer =>
  protobufBytes('VehicleTelemetry', { ...report, ...overrides });
export const bayEvent = (overrides: object = {}): Buffer =>
  protobufBytes('BayOccupancy', { ...occupancy, ...overrides });
