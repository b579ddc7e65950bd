// Child process of the benchmark: the gateway's job as it would be built from the best-known libraries, aedes for MQTT
// and kafkajs for Kafka, at their best realistic settings. It decodes, encodes and frames with the gateway's own code and
// writes the same records: value, key, timestamp, headers. It validates nothing.
import net, { type AddressInfo } from 'node:net';
import { Aedes } from 'aedes';
import kafkajs, { type Message } from 'kafkajs';
import lz4 from 'lz4-napi';
import { loadContracts } from '../../gateway/contract/contract.ts';
import { defaultRoutes } from '../../gateway/core/default-routes.ts';
import { writeFraming } from '../../gateway/core/wire-format.ts';
import type { BaselineOptions } from './baseline-options.ts';
import { LingerBatches, type Settle } from './linger-batches.ts';

const { bootstrap, topic, lingerMs } = JSON.parse(process.argv[2] ?? '') as BaselineOptions;
const allInSyncReplicas = -1;
/** An encoded fix is far smaller; what does not fit would fail loudly. */
const maxValueBytes = 4096;
const slabBytes = 262_144;
const microsecondsPerMillisecond = 1000;

const route = defaultRoutes.find(({ pattern }) => pattern === 'v1/vehicles/{vehicleId}/telemetry');
if (route === undefined) throw new Error('there is no default route for telemetry');
const contracts = loadContracts({ routes: [route], protoPaths: [] });
const registered = { registry: 'confluent', id: 1, uri: 'urn:bench:1' } as const;
const codec = contracts
  .codecs(new Map(contracts.schemas.map(({ subject }) => [subject, registered])))
  .get(route.pattern);
if (codec === undefined) throw new Error('there is no codec for telemetry');

const { CompressionTypes, CompressionCodecs, Kafka, Partitioners, logLevel } = kafkajs;
// kafkajs has no LZ4 of its own. The synchronous call: handing a batch to a thread costs more than compressing it.
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: (encoder: { buffer: Buffer }) => Promise.resolve(lz4.compressFrameSync(encoder.buffer)),
  decompress: (buffer: Buffer) => Promise.resolve(lz4.decompressFrameSync(buffer)),
});
const kafka = new Kafka({ clientId: 'bench-baseline', brokers: [...bootstrap], logLevel: logLevel.ERROR });
const producer = kafka.producer({
  createPartitioner: Partitioners.DefaultPartitioner,
  allowAutoTopicCreation: false,
});
await producer.connect();
const batches = new LingerBatches({
  lingerMs,
  maxMessages: 10_000,
  send: (messages) =>
    producer.sendBatch({
      topicMessages: [{ topic, messages }],
      acks: allInSyncReplicas,
      compression: CompressionTypes.LZ4,
    }),
});

let slab = Buffer.allocUnsafe(slabBytes);
let slabUsed = 0;

/** The value in a slab that many values share: no buffer, and no copy, per message. */
const encodeValue = (message: object): Buffer => {
  if (slabBytes - slabUsed < maxValueBytes) {
    slab = Buffer.allocUnsafe(slabBytes);
    slabUsed = 0;
  }
  const start = slabUsed;
  const body = writeFraming(codec.framing, slab, start);
  slabUsed = codec.encoder.encode(message as Parameters<typeof codec.encoder.encode>[0], slab, body);
  return slab.subarray(start, slabUsed);
};

const produce = (deviceId: string, mqttTopic: string, payload: Buffer, settle: Settle): void => {
  const decoded = codec.decoder.decode(payload);
  if ('reason' in decoded) {
    settle(new Error(decoded.detail));
    return;
  }
  const vehicleId = mqttTopic.split('/')[2] ?? '';
  for (const message of decoded) batches.add(record(deviceId, vehicleId, message), settle);
};

const record = (deviceId: string, vehicleId: string, message: object): Message => {
  const { bootId, sequence, eventTimeUs } = message as { bootId: number; sequence: number; eventTimeUs: number };
  const eventTimeMs = Math.floor(eventTimeUs / microsecondsPerMillisecond);
  return {
    key: vehicleId,
    value: encodeValue(message),
    timestamp: String(eventTimeMs),
    headers: {
      ce_specversion: '1.0',
      ce_type: route.eventType,
      ce_source: '/edge-ingest-gateway',
      'content-type': 'application/avro',
      ce_time: new Date(eventTimeMs).toISOString(),
      ce_receivedtime: new Date().toISOString(),
      ce_subject: vehicleId,
      ce_id: `${deviceId}:${bootId}:${sequence}`,
    },
  };
};

const broker = new Aedes({
  authenticate: (_client, username, password, done) => done(null, username !== undefined && password !== undefined),
  // aedes writes PUBACK before it processes a publish; only in this hook can it be withheld until Kafka has the record.
  authorizePublish: (client, packet, settle) =>
    produce(client?.id ?? '', packet.topic, packet.payload as Buffer, settle),
});
await broker.listen();
const server = net.createServer({ noDelay: true }, (socket) => broker.handle(socket));
server.listen(0, '127.0.0.1', 8192, () => process.send?.({ port: (server.address() as AddressInfo).port }));

process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
