import { connect } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import type { Version } from './generators/mqtt.ts';
import type { ProtobufCase } from './generators/protobuf.ts';

/** Below every receive maximum that the gateway grants. */
const mostInFlight = 32;
const deadlineMs = 60_000;

export interface PayloadStream {
  readonly port: number;
  readonly version: Version;
  /** CONNECT, encoded. */
  readonly connect: Buffer;
  readonly vehicleId: string;
  readonly count: number;
  readonly payloadOf: (index: number) => ProtobufCase;
}

/**
 * Publishes payloads in one connection with QoS 1: no payload, whatever it holds, breaks MQTT, so that each is answered.
 * Resolves, when all are or the gateway has closed the connection, with how many were and with all that came back.
 */
export function publishPayloads(stream: PayloadStream): Promise<{ answered: number; received: Buffer }> {
  const { port, version, count, vehicleId } = stream;
  const socket = connect({ host: '127.0.0.1', port });
  const received: Buffer[] = [];
  let sent = 0;
  let answered = 0;
  const fill = (): void => {
    for (; sent < count && sent - answered < mostInFlight; sent += 1) {
      const { kind, payload } = stream.payloadOf(sent);
      const topic = `v1/vehicles/${vehicleId}/${kind}`;
      const publish = { cmd: 'publish', topic, payload, qos: 1, messageId: sent + 1, dup: false, retain: false };
      socket.write(generate(publish as Packet, { protocolVersion: version }));
    }
    if (answered === count) socket.end();
  };
  const parse = parser({ protocolVersion: version } as never);
  parse.on('packet', ({ cmd }: Packet) => {
    if (cmd === 'puback') answered += 1;
    fill();
  });
  // What can't be parsed is found by whoever judges all that was received.
  parse.on('error', () => socket.destroy());
  return new Promise((resolve) => {
    const late = setTimeout(() => socket.destroy(), deadlineMs);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      parse.parse(chunk);
    });
    socket.once('close', () => {
      clearTimeout(late);
      resolve({ answered, received: Buffer.concat(received) });
    });
    socket.once('connect', () => socket.write(stream.connect));
  });
}
