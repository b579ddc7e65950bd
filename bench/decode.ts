import mqttPacket from 'mqtt-packet';
import { decodePublish, emptyPublishFields, TopicMemory } from '../gateway/mqtt/decode/publish.ts';
import { PacketReader } from '../gateway/mqtt/decode/reader.ts';
import { Framer } from '../gateway/mqtt/frame.ts';
import { median } from './measure/median.ts';

/**
 * `node --expose-gc bench/decode.ts`: the evidence of ADR 3. CPU per QoS 1 PUBLISH that arrives alone in a chunk, and heap
 * per connection that has decoded one: our frame and packet decoder against the parser of mqtt-packet.
 */
const messages = 400_000;
const connections = 5_000;
const rounds = 5;
const frame = mqttPacket.generate({
  ...{ cmd: 'publish', qos: 1, messageId: 7, dup: false, retain: false },
  topic: 'v1/vehicles/veh-000001/telemetry',
  payload: Buffer.alloc(86, 1),
});

/** One connection's decoder: takes a chunk, returns the bytes of payload that it found. */
type Decoder = (chunk: Buffer) => number;

function ours(): Decoder {
  const framer = new Framer();
  const topics = new TopicMemory();
  return (chunk) => {
    framer.accept(chunk);
    if (framer.next(262_144) !== 'packet') return 0;
    reader.open(framer.bytes, framer.start, framer.end);
    decodePublish(reader, framer.first & 15, 4, topics, fields);
    return fields.payload.length;
  };
}
// The gateway has one of each for all connections, too.
const reader = new PacketReader();
const fields = emptyPublishFields();

function theirs(): Decoder {
  const parser = mqttPacket.parser({ protocolVersion: 4 });
  let found = 0;
  parser.on('packet', (packet) => {
    if (packet.cmd === 'publish') found = packet.payload.length;
  });
  return (chunk) => {
    found = 0;
    parser.parse(chunk);
    return found;
  };
}

function microsecondsPerMessage(decode: Decoder): number {
  const before = process.cpuUsage();
  let bytes = 0;
  for (let i = 0; i < messages; i++) bytes += decode(frame);
  if (bytes !== 86 * messages) throw new Error('a decoder missed payloads');
  const { user, system } = process.cpuUsage(before);
  return (user + system) / messages;
}

function heapPerConnection(make: () => Decoder): number {
  if (globalThis.gc === undefined) return Number.NaN;
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  const decoders = Array.from({ length: connections }, make);
  for (const decode of decoders) decode(frame);
  globalThis.gc();
  const used = process.memoryUsage().heapUsed - before;
  // Keeps them alive until here.
  if (decoders.length !== connections) throw new Error('unreachable');
  return used / connections;
}

const times = { ours: [] as number[], theirs: [] as number[] };
const decoders = { ours: ours(), theirs: theirs() };
for (let round = 0; round <= rounds; round++) {
  for (const who of ['ours', 'theirs'] as const) {
    const figure = microsecondsPerMessage(decoders[who]);
    // The first round warms up.
    if (round > 0) times[who].push(figure);
  }
}
const oursUs = median(times.ours) as number;
const mqttPacketUs = median(times.theirs) as number;
const result = {
  ours: { cpuUsPerPublish: oursUs, heapBytesPerConnection: heapPerConnection(ours) },
  mqttPacket: { cpuUsPerPublish: mqttPacketUs, heapBytesPerConnection: heapPerConnection(theirs) },
  ratio: oursUs / mqttPacketUs,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
