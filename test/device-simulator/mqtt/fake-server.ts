import { createServer, type Server, type Socket } from 'node:net';
import { generate, type IConnectPacket, type IPublishPacket, type Packet, parser } from 'mqtt-packet';

/** A PUBLISH, whole, as the server got it, and on which of its connections (0 for the first). */
export interface ReceivedPublish {
  readonly connection: number;
  readonly clientId: string;
  readonly packetId: number;
  readonly qos: number;
  readonly dup: boolean;
  readonly payload: Buffer;
}

/** One client's connection, in the hands of a test. */
export interface ServerConnection {
  readonly number: number;
  readonly connect: IConnectPacket;
  readonly send: (packet: Packet) => void;
  /** Raw bytes, for what no codec writes. */
  readonly write: (bytes: Uint8Array) => void;
  readonly drop: () => void;
}

export interface FakeServerOptions {
  /** What to answer to CONNECT; accepts by default. */
  readonly connack?: (connect: IConnectPacket) => Packet;
  /** Called for each PUBREL; answers with PUBCOMP by default. */
  readonly onPubrel?: (packetId: number, connection: ServerConnection) => void;
  /** Called for each PUBLISH; answers with PUBACK or PUBREC by default. */
  readonly onPublish?: (publish: ReceivedPublish, connection: ServerConnection) => void;
}

/** A tiny MQTT server over mqtt-packet's codec, to see exactly what a publishing client sends. */
export class FakeServer implements AsyncDisposable {
  readonly publishes: ReceivedPublish[] = [];
  readonly connections: ServerConnection[] = [];
  readonly packets: Packet[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #options: FakeServerOptions;

  private constructor(options: FakeServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(options: FakeServerOptions = {}): Promise<FakeServer> {
    const server = new FakeServer(options);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return address.port;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    const decoder = parser();
    let connection: ServerConnection | undefined;
    decoder.on('packet', (packet: Packet) => {
      this.packets.push(packet);
      if (packet.cmd === 'connect') connection = this.#accept(socket, packet);
      else if (connection && packet.cmd === 'publish') this.#receive(packet, connection);
      else if (connection && packet.cmd === 'pubrel') this.#release(packet.messageId ?? 0, connection);
      else if (connection && packet.cmd === 'pingreq') connection.send({ cmd: 'pingresp' });
    });
    socket.on('data', (bytes) => decoder.parse(bytes));
  }

  #accept(socket: Socket, connect: IConnectPacket): ServerConnection {
    const protocolVersion = connect.protocolVersion ?? 4;
    const connection: ServerConnection = {
      number: this.connections.length,
      connect,
      send: (packet) => void socket.write(generate(packet, { protocolVersion })),
      write: (bytes) => void socket.write(bytes),
      drop: () => void socket.destroy(),
    };
    this.connections.push(connection);
    const accepted: Packet = { cmd: 'connack', sessionPresent: false, returnCode: 0, reasonCode: 0 };
    connection.send(this.#options.connack?.(connect) ?? accepted);
    return connection;
  }

  #receive(packet: IPublishPacket, connection: ServerConnection): void {
    const publish: ReceivedPublish = {
      connection: connection.number,
      clientId: connection.connect.clientId,
      packetId: packet.messageId ?? 0,
      qos: packet.qos,
      dup: packet.dup,
      payload: Buffer.from(packet.payload),
    };
    this.publishes.push(publish);
    if (this.#options.onPublish) this.#options.onPublish(publish, connection);
    else connection.send({ cmd: publish.qos === 2 ? 'pubrec' : 'puback', messageId: publish.packetId, reasonCode: 0 });
  }

  #release(packetId: number, connection: ServerConnection): void {
    if (this.#options.onPubrel) this.#options.onPubrel(packetId, connection);
    else connection.send({ cmd: 'pubcomp', messageId: packetId, reasonCode: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
