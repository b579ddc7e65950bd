import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import type { Random } from '../../../device-simulator/core/random.ts';
import { mutateBytes, pick, randomBytes } from './mutate.ts';

const recordHeaderLength = 5;
/** Type, and three bytes of length (RFC 8446, section 4). */
const handshakeHeaderLength = 4;

const clients: readonly ConnectionOptions[] = [
  {},
  { ALPNProtocols: ['mqtt'], servername: 'gateway.example' },
  { maxVersion: 'TLSv1.2', ALPNProtocols: ['mqtt', 'h2'] },
  { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
];

/** What real clients begin with, taken from the wire. */
export async function captureClientHellos(): Promise<readonly Buffer[]> {
  const hellos: Buffer[] = [];
  for (const options of clients) {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    client.on('error', () => undefined);
    const [socket] = await once(server, 'connection');
    const [hello] = (await once(socket, 'data')) as [Buffer];
    hellos.push(hello);
    socket.destroy();
    client.destroy();
    server.close();
  }
  return hellos;
}

/** A record (RFC 8446, section 5.1) with the length that it has. */
function record(type: number, version: number, fragment: Buffer): Buffer {
  const header = Buffer.alloc(recordHeaderLength);
  header[0] = type;
  header.writeUInt16BE(version, 1);
  header.writeUInt16BE(fragment.length & 0xffff, 3);
  return Buffer.concat([header, fragment]);
}

function message(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(handshakeHeaderLength);
  header.writeUIntBE(body.length, 1, 3);
  header[0] = type;
  return Buffer.concat([header, body]);
}

type Spoil = (hello: Buffer, random: Random) => Buffer;

const bodyOf = (hello: Buffer): Buffer => hello.subarray(recordHeaderLength + handshakeHeaderLength);

const spoils: readonly Spoil[] = [
  (hello, random) => mutateBytes(hello, random),
  /** What gets past the record and the handshake layer. */
  (hello, random) => record(22, 0x0301, message(1, mutateBytes(bodyOf(hello), random))),
  (hello, random) => record(22, 0x0301, message(1, mutateBytes(bodyOf(hello), random))),
  (hello, random) => record(22, 0x0301, message(random.integer(256), bodyOf(hello))),
  (hello, random) => record(random.integer(256), pick(random, [0, 0x0300, 0x0302, 0x0304, 0xffff]), hello.subarray(5)),
  function fragmented(hello, random) {
    const fragments: Buffer[] = [];
    for (let at = recordHeaderLength; at < hello.length; ) {
      const end = at + random.integer(40);
      fragments.push(record(22, 0x0301, hello.subarray(at, end)));
      at = end;
    }
    return Buffer.concat(fragments);
  },
  (hello, random) =>
    Buffer.concat([hello, record(20 + random.integer(5), 0x0303, randomBytes(random, random.integer(80)))]),
  /** Alerts, heartbeats and empty records before anything was agreed. */
  (_hello, random) =>
    Buffer.concat(
      Array.from({ length: 1 + random.integer(40) }, () =>
        record(20 + random.integer(5), 0x0303, randomBytes(random, random.integer(3))),
      ),
    ),
  (hello, random) => Buffer.concat([record(22, 0x0301, message(1, Buffer.alloc(random.integer(17_000)))), hello]),
  (_hello, random) => randomBytes(random, 1 + random.integer(400)),
];

/** The first bytes that a TLS listener gets from somebody who speaks it badly. */
export const spoiltHello = (hellos: readonly Buffer[], random: Random): Buffer =>
  pick(random, spoils)(pick(random, hellos), random);
