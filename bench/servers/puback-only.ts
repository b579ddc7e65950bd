import net from 'node:net';

const connack = Buffer.from([0x20, 2, 0, 0]);
const packetType = { connect: 1, publish: 3 } as const;

/**
 * The limit: what a single Node thread can acknowledge when it does nothing else.
 *
 * Reads only the length of each packet and the packet identifier of a QoS 1 PUBLISH, answers CONNACK (accepted) and
 * PUBACK, and checks nothing. One write per read, whatever the read held. Never expose it to a network.
 */
export const createPubackOnlyServer = (): net.Server =>
  net.createServer({ noDelay: true }, (socket) => {
    let carried: Buffer | undefined;
    // A load generator that goes away resets its sockets; there is nothing to do about it.
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      const bytes = carried === undefined ? chunk : Buffer.concat([carried, chunk]);
      const used = answerCompletePackets(socket, bytes);
      carried = used < bytes.length ? bytes.subarray(used) : undefined;
    });
  });

/** Answers every complete packet of `bytes` with a single write. Returns how many bytes they took. */
const answerCompletePackets = (socket: net.Socket, bytes: Buffer): number => {
  const acks: number[] = [];
  let start = 0;
  while (start < bytes.length) {
    let at = start + 1;
    let remaining = 0;
    let shift = 0;
    let byte = 0x80;
    while (at < bytes.length && byte >= 0x80) {
      byte = bytes[at++] as number;
      remaining |= (byte & 0x7f) << shift;
      shift += 7;
    }
    if (byte >= 0x80 || at + remaining > bytes.length) break;
    const type = (bytes[start] as number) >> 4;
    if (type === packetType.publish) {
      const topicBytes = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
      const idAt = at + 2 + topicBytes;
      acks.push(0x40, 2, bytes[idAt] as number, bytes[idAt + 1] as number);
    } else if (type === packetType.connect) socket.write(connack);
    start = at + remaining;
  }
  if (acks.length > 0) socket.write(Buffer.from(acks));
  return start;
};
