import { Buffer } from 'node:buffer';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { crc32c } from '@platformatic/kafka';

export interface ProxyHeaderWish {
  /** Four numbers for IPv4, sixteen for IPv6. */
  readonly source?: readonly number[];
  readonly version?: number;
  /** 0 LOCAL, 1 PROXY. */
  readonly command?: number;
  /** Address family and protocol; by the source's length unless said otherwise. */
  readonly family?: number;
  readonly extensions?: readonly (readonly [type: number, value: Uint8Array])[];
  /** Adds a right one as the last extension. */
  readonly checksum?: boolean;
}

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** A header of the PROXY protocol, version 2, as a load balancer sends it. */
export function proxyHeader(wish: ProxyHeaderWish = {}): Buffer {
  const { source = [203, 0, 113, 9], version = 2, command = 1, extensions = [], checksum = false } = wish;
  const family = wish.family ?? (source.length === 16 ? 0x21 : 0x11);
  const destination = source.map(() => 1);
  const ports = [0x30, 0x39, 0x22, 0xb3];
  const all = checksum ? [...extensions, [0x03, Buffer.alloc(4)] as const] : extensions;
  const tail = all.map(([type, value]) => Buffer.concat([Buffer.from([type, value.length >> 8, value.length]), value]));
  const rest = Buffer.concat([Buffer.from([...source, ...destination, ...ports]), ...tail]);
  const fixed = Buffer.from([(version << 4) | command, family, rest.length >> 8, rest.length & 0xff]);
  const header = Buffer.concat([signature, fixed, rest]);
  if (checksum) header.writeUInt32BE(crc32c(header) >>> 0, header.length - 4);
  return header;
}

/** A load balancer for TCP: passes everything on, behind a header of its own. */
export class Balancer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param together sends the header with the first bytes of the client, not before them. */
  static async start(port: number, header: Uint8Array, together = false): Promise<Balancer> {
    const server = createServer();
    const balancer = new Balancer(server);
    server.on('connection', (client) => {
      const upstream = connect({ host: '127.0.0.1', port, noDelay: true });
      for (const socket of [client, upstream]) {
        balancer.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => balancer.#sockets.delete(socket));
      }
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.destroy());
      upstream.pipe(client);
      if (!together) {
        upstream.write(header);
        client.pipe(upstream);
        return;
      }
      client.once('data', (first) => {
        upstream.write(Buffer.concat([header, first]));
        client.pipe(upstream);
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return balancer;
  }

  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}
