import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { generate, type Packet, parser } from 'mqtt-packet';
import { onTestFinished } from 'vitest';
import type { Admission } from '../../../gateway/core/limits/admission.ts';
import { Authenticator } from '../../../gateway/identity/authenticator.ts';
import type { DeviceRegistry } from '../../../gateway/identity/registry.ts';
import type { ListenerOptions } from '../../../gateway/mqtt/context.ts';
import { defaultLimits } from '../../../gateway/mqtt/limits.ts';
import type { HandshakeObserver, ListenerTls } from '../../../gateway/mqtt/listener-tls.ts';
import { MqttServer } from '../../../gateway/mqtt/server.ts';
import type { TlsFiles } from '../../../gateway/tls/material.ts';
import { makeDevice, RegistryFolder } from '../identity/devices.ts';
import { verifyOnThreads } from '../identity/hashing.ts';
import { TlsFolder } from '../tls/files.ts';
import { RecordingObserver, until } from './support.ts';

/** Handshakes, as one word each: `TLSv1.3`, `TLSv1.3 resumed`, or why there was none. */
class Handshakes implements HandshakeObserver {
  readonly seen: string[] = [];
  readonly codes: string[] = [];
  readonly addresses: (string | undefined)[] = [];

  handshakeDone(_listener: string, version: string, resumed: boolean): void {
    this.seen.push(resumed ? `${version} resumed` : version);
  }

  handshakeFailed(_listener: string, failure: string, code: string, remoteAddress: string | undefined): void {
    this.seen.push(failure);
    this.codes.push(code);
    this.addresses.push(remoteAddress);
  }
}

export interface SecureEdgeOptions {
  readonly files?: Partial<TlsFiles>;
  readonly tls?: Partial<ListenerTls>;
  /** What else the listener has. */
  readonly listener?: Partial<ListenerOptions>;
  /** The authority and the files of another edge. */
  readonly folder?: TlsFolder;
  /** Registered, each with the password `right`. Default: a and b. */
  readonly devices?: readonly string[];
  readonly admission?: Admission;
}

/** A server with one TLS listener on the loopback, a real authority and a real registry. */
export class SecureEdge {
  readonly folder: TlsFolder;
  readonly registry: DeviceRegistry;
  readonly server: MqttServer;
  readonly handshakes = new Handshakes();
  readonly seen = new RecordingObserver();
  /** What the server takes the date for. */
  nowMs = Date.now();

  private constructor(folder: TlsFolder, registry: DeviceRegistry, options: SecureEdgeOptions) {
    this.folder = folder;
    this.registry = registry;
    const files = { ...folder.files, ...options.files };
    const authenticator = new Authenticator({
      verifySecret: verifyOnThreads,
      registry,
      cache: { maxEntries: 10, ttlSeconds: 60 },
      hashConcurrency: 1,
      hashQueueMax: 10,
      observer: { authenticated: () => {}, refused: () => {}, bannedVerified: () => {}, registryFailed: () => {} },
    });
    const tls: ListenerTls = {
      clientCertificates: files.clientCertificates,
      certificateSuffices: true,
      handshakeTimeoutMs: 10_000,
      maxHandshakes: 100,
      material: folder.read(files),
      observer: this.handshakes,
      ...options.tls,
    };
    this.server = new MqttServer({
      listeners: [
        {
          name: 'secure',
          host: '127.0.0.1',
          port: 0,
          auth: 'registry',
          credentials: 'secret',
          tls,
          ...options.listener,
        },
      ],
      limits: defaultLimits,
      authenticate: (credentials) => authenticator.authenticate(credentials),
      mayPublish: () => true,
      maySubscribe: () => true,
      receive: () => {},
      now: () => this.nowMs,
      sweepIntervalMs: 0,
      observer: this.seen.observer,
      admission: options.admission,
    });
  }

  static async start(options: SecureEdgeOptions = {}): Promise<SecureEdge> {
    const folder = options.folder ?? (await TlsFolder.make());
    const registries = new RegistryFolder();
    onTestFinished(() => {
      if (options.folder === undefined) folder[Symbol.dispose]();
      registries[Symbol.dispose]();
    });
    const registry = registries.open();
    for (const id of options.devices ?? ['a', 'b']) await registry.add(await makeDevice(id, 'right'));
    const edge = new SecureEdge(folder, registry, options);
    await edge.server.start();
    onTestFinished(() => edge.server.close(0));
    return edge;
  }

  get port(): number {
    return this.server.addresses[0]?.port ?? 0;
  }

  /** Options of a client that trusts the server and shows the certificate in these files. */
  clientOptions(own?: { readonly certFile: string; readonly keyFile: string }): ConnectionOptions {
    return {
      host: '127.0.0.1',
      port: this.port,
      ca: readFileSync(this.folder.authority.certFile),
      ...(own === undefined ? {} : { cert: readFileSync(own.certFile), key: readFileSync(own.keyFile) }),
    };
  }

  /** The next handshake, or failure, beyond those that were asked for before. */
  async handshake(): Promise<string> {
    await until(() => this.handshakes.seen.length > 0, 'a handshake to end');
    return this.handshakes.seen.shift() as string;
  }
}

/** A device over TLS, at the level of packets. */
export class SecureClient {
  readonly socket: TLSSocket;
  readonly packets: Packet[] = [];
  readonly received: Buffer[] = [];
  isSecure = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;
  /** The latest session that the server has issued a ticket for. */
  session: Buffer | undefined;

  constructor(options: ConnectionOptions) {
    const parse = parser({ protocolVersion: 5 } as never);
    parse.on('packet', (packet: Packet) => this.packets.push(packet));
    parse.on('error', () => {});
    this.socket = connect(options);
    this.socket.on('secureConnect', () => {
      this.isSecure = true;
    });
    this.socket.on('session', (session) => {
      this.session = session;
    });
    this.socket.on('data', (chunk) => {
      this.received.push(chunk);
      parse.parse(chunk);
    });
    this.socket.on('error', (error) => {
      this.error ??= error;
    });
    this.socket.on('close', () => {
      this.closed = true;
    });
    onTestFinished(() => void this.socket.destroy());
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet, { protocolVersion: 5 }));
  }

  /** Sends CONNECT; returns the reason code of CONNACK, or `closed`. */
  async connect(fields: Record<string, unknown> = {}): Promise<number | 'closed'> {
    const packet = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: true, keepalive: 60 };
    this.send({ ...packet, clientId: '', ...fields } as Packet);
    const answer = await this.next();
    return answer?.cmd === 'connack' ? (answer.reasonCode ?? -1) : 'closed';
  }

  /** The next packet; undefined when the server closes instead. */
  async next(): Promise<Packet | undefined> {
    await until(() => this.packets.length > 0 || this.closed, 'a packet from the server');
    return this.packets.shift();
  }

  /** Whether the connection still answers. */
  async answers(): Promise<boolean> {
    this.send({ cmd: 'pingreq' });
    return (await this.next())?.cmd === 'pingresp';
  }

  async end(): Promise<void> {
    await until(() => this.closed, 'the server to close the connection');
  }
}
