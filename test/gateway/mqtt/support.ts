import { connect, type Socket } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { onTestFinished } from 'vitest';
import type { Identity } from '../../../gateway/core/identity.ts';
import type { Admission } from '../../../gateway/core/limits/admission.ts';
import type { RateLimits } from '../../../gateway/core/limits/message-rate.ts';
import { delivered, type Outcome } from '../../../gateway/core/outcome.ts';
import type { Publish } from '../../../gateway/core/publish.ts';
import type { ListenerCredentials, ListenerOptions, MqttServerOptions } from '../../../gateway/mqtt/context.ts';
import { defaultLimits, type MqttLimits } from '../../../gateway/mqtt/limits.ts';
import type { MqttObserver } from '../../../gateway/mqtt/observer.ts';
import { MqttServer } from '../../../gateway/mqtt/server.ts';

const deadlineMs = 15_000;

/** Waits for a condition, with a deadline. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Every event of the edge by name, with its arguments. */
export class RecordingObserver {
  readonly events: { readonly name: keyof MqttObserver; readonly args: readonly unknown[] }[] = [];
  readonly observer: MqttObserver;

  constructor() {
    const { events } = this;
    this.observer = new Proxy({} as MqttObserver, {
      get:
        (_target, name) =>
        (...args: unknown[]) => {
          events.push({ name: name as keyof MqttObserver, args });
        },
    });
  }

  of(name: keyof MqttObserver): (readonly unknown[])[] {
    return this.events.filter((event) => event.name === name).map((event) => event.args);
  }
}

export interface EdgeOptions {
  readonly limits?: Partial<MqttLimits>;
  readonly authenticate?: MqttServerOptions['authenticate'];
  readonly mayPublish?: (identity: Identity, topic: string) => boolean;
  readonly maySubscribe?: (identity: Identity, filter: string) => boolean;
  readonly receive?: (publish: Publish) => void;
  readonly presence?: MqttServerOptions['presence'];
  /** What the listener takes as passwords. Default: secrets. */
  readonly credentials?: ListenerCredentials;
  /** What else the listener has. */
  readonly listener?: Partial<ListenerOptions>;
  /** Default 0: no timer, the test calls `pass`. */
  readonly sweepIntervalMs?: number;
  readonly admission?: Admission;
  readonly fleetRate?: RateLimits;
  readonly onFleetRate?: (isSpent: boolean) => void;
}

/** A server whose publishes wait in `received` until the test settles them, and whose clock the test moves. */
export class Edge {
  readonly received: Publish[] = [];
  readonly seen = new RecordingObserver();
  readonly server: MqttServer;
  monotonicMs = 1_000_000;

  constructor(options: EdgeOptions) {
    this.server = new MqttServer({
      listeners: [
        {
          name: 'test',
          host: '127.0.0.1',
          port: 0,
          auth: 'registry',
          credentials: options.credentials ?? 'secret',
          ...options.listener,
        },
      ],
      limits: { ...defaultLimits, ...options.limits },
      authenticate:
        options.authenticate ??
        (async ({ username, clientId }) => ({
          identity: { deviceId: username ?? clientId, kind: 'vehicle', boundTo: 'v1' },
        })),
      mayPublish: options.mayPublish ?? (() => true),
      maySubscribe: options.maySubscribe ?? ((_identity, filter) => filter === 'v1/vehicles/v1/commands'),
      receive: options.receive ?? ((publish) => this.received.push(publish)),
      now: () => 1_700_000_000_000,
      monotonicMs: () => this.monotonicMs,
      sweepIntervalMs: options.sweepIntervalMs ?? 0,
      observer: this.seen.observer,
      presence: options.presence,
      admission: options.admission,
      fleetRate: options.fleetRate,
      onFleetRate: (isSpent) => options.onFleetRate?.(isSpent),
    });
  }

  get port(): number {
    return this.server.addresses[0]?.port ?? 0;
  }

  /** Moves the clock and does what the timer would do. */
  pass(ms: number): void {
    this.monotonicMs += ms;
    this.server.sweep();
  }

  async taken(count: number): Promise<void> {
    await until(() => this.received.length >= count, `${count} publishes received, there are ${this.received.length}`);
  }

  settle(index: number, outcome: Outcome = delivered): void {
    const publish = this.received[index];
    if (publish === undefined) throw new Error(`no publish ${index}`);
    publish.answer(outcome);
  }
}

/** Starts an edge on a free port; it is closed when the test ends. */
export async function startEdge(options: EdgeOptions = {}): Promise<Edge> {
  const edge = new Edge(options);
  await edge.server.start();
  onTestFinished(() => edge.server.close(0));
  return edge;
}

/** A client at the level of packets: sends what the test says, also what no client should. */
export class RawClient {
  readonly socket: Socket;
  readonly packets: Packet[] = [];
  closed = false;
  readonly #version: 4 | 5;

  constructor(port: number, version: 4 | 5) {
    this.#version = version;
    const parse = parser({ protocolVersion: version } as never);
    parse.on('packet', (packet: Packet) => this.packets.push(packet));
    parse.on('error', () => {});
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.socket.on('data', (chunk) => parse.parse(chunk));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
    onTestFinished(() => void this.socket.destroy());
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  send(...packets: Packet[]): void {
    this.write(Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: this.#version }))));
  }

  /** The next packet from the server. */
  async next(): Promise<Packet> {
    await until(() => this.packets.length > 0 || this.closed, 'a packet from the server');
    const packet = this.packets.shift();
    if (packet === undefined) throw new Error('the server closed the connection');
    return packet;
  }

  /** Shows that the server has sent nothing: what is asked for now arrives first. */
  async nothingSent(): Promise<void> {
    this.send({ cmd: 'pingreq' });
    const packet = await this.next();
    if (packet.cmd !== 'pingresp') throw new Error(`the server sent ${JSON.stringify(packet)}`);
  }

  async end(): Promise<void> {
    await until(() => this.closed, 'the server to close the connection');
  }

  publish(messageId: number, qos: 0 | 1 | 2 = 1, rest: Record<string, unknown> = {}): void {
    const packet = {
      cmd: 'publish',
      topic: 'v1/vehicles/v1/telemetry',
      payload: `m${messageId}`,
      qos,
      dup: false,
      retain: false,
    };
    this.send({ ...packet, messageId, ...rest } as Packet);
  }
}

export interface ConnectFields {
  readonly version?: 4 | 5;
  readonly clientId?: string;
  readonly [field: string]: unknown;
}

/** Opens a socket and sends CONNECT; does not wait for the answer. */
export function dial(edge: Edge, fields: ConnectFields = {}): RawClient {
  const { version = 5, ...rest } = fields;
  const client = new RawClient(edge.port, version);
  client.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: version,
    clean: true,
    clientId: 'c1',
    keepalive: 60,
    ...rest,
  } as Packet);
  return client;
}

/** Connects and consumes the CONNACK. */
export async function join(edge: Edge, fields: ConnectFields = {}): Promise<RawClient> {
  const client = dial(edge, fields);
  const connack = await client.next();
  if (connack.cmd !== 'connack' || (connack.reasonCode ?? connack.returnCode) !== 0) {
    throw new Error(`refused: ${JSON.stringify(connack)}`);
  }
  return client;
}
