import type { Device } from '../core/fleet.ts';
import { type MessageLog, senderOf } from '../core/ledger.ts';
import { type Random, randomStream } from '../core/random.ts';
import type { GatewayAddresses } from './addresses.ts';
import type { BackoffOptions } from './backoff.ts';
import { type Breakage, type ConnectionObserver, DeviceConnection } from './connection.ts';
import { type MqttVersion, type PublishQos, publishFrame } from './frames.ts';
import type { OutboundMessage } from './outbox.ts';
import { telemetryTopic } from './payload.ts';

export interface PublisherOptions {
  readonly addresses: GatewayAddresses;
  /** `mixed`: every other device speaks MQTT 3.1.1. */
  readonly version: MqttVersion | 'mixed';
  readonly devices: readonly Device[];
  /** By device id; undefined: connect without user name and password (anonymous listener). */
  readonly secrets: ReadonlyMap<string, string> | undefined;
  readonly keepAliveSeconds: number;
  readonly window: number;
  readonly backlog: number;
  readonly seed: number;
  readonly ledger: MessageLog;
  /** Between attempts to connect; from 250 ms to 10 s when it is left out. */
  readonly backoff?: BackoffOptions;
  /** Told the latency from the intended send time, milliseconds. */
  readonly onLatency: (latencyMs: number) => void;
}

/** Counts since the start. */
export interface PublisherCounts {
  /** Messages written at least once. */
  sent: number;
  acknowledged: number;
  rejected: number;
  /** Messages written again after a connection was lost. */
  resent: number;
  /** Messages that the schedule wanted, and a full backlog refused. */
  overflowed: number;
  /** Connections that were open and were lost. */
  disconnects: number;
  failedConnects: number;
  /** Those of them that were refused for a reason that does not pass. */
  finalRefusals: number;
}

const tickMs = 50;
const defaultBackoff: BackoffOptions = { firstMs: 250, maxMs: 10_000 };

/**
 * All devices of a fleet as MQTT clients, on one event loop: one timer for everybody, one read buffer, no timer and no
 * promise per message.
 */
export class FleetPublisher implements ConnectionObserver {
  readonly counts: PublisherCounts = {
    sent: 0,
    acknowledged: 0,
    rejected: 0,
    resent: 0,
    overflowed: 0,
    disconnects: 0,
    failedConnects: 0,
    finalRefusals: 0,
  };
  readonly #options: PublisherOptions;
  readonly #connections: DeviceConnection[];
  readonly #topics: Uint8Array[];
  readonly #accounts: number[];
  readonly #nextSequence: Float64Array;
  readonly #random: Random;
  readonly #reasons = new Map<string, number>();
  readonly #rejections = new Map<number, number>();
  #ticker: NodeJS.Timeout | undefined;
  #open = 0;
  #lastReason: string | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const { devices, ledger } = options;
    this.#random = randomStream(options.seed, 0x6d717474);
    const readBuffer = Buffer.alloc(65_536);
    this.#connections = devices.map((device) => this.#connection(device, readBuffer));
    this.#topics = devices.map((device) => Buffer.from(telemetryTopic(device)));
    const isAnonymous = options.secrets === undefined;
    this.#accounts = devices.map(({ boundTo, bootId, deviceId }) =>
      ledger.open(boundTo, bootId, senderOf(deviceId, boundTo, isAnonymous)),
    );
    this.#nextSequence = new Float64Array(devices.length).fill(1);
  }

  /** Begins to connect, the last device after `spreadMs`. */
  start(spreadMs: number): void {
    const now = performance.now();
    for (const [index, connection] of this.#connections.entries()) {
      connection.openAt(now + (spreadMs * index) / this.#connections.length);
    }
    this.#ticker = setInterval(() => {
      const nowMs = performance.now();
      for (const connection of this.#connections) connection.tick(nowMs);
    }, tickMs);
  }

  /**
   * Publishes one message of a device, or counts it as overflowed when its backlog is full (it then has no sequence
   * number and is not in the ledger).
   *
   * @param intendedMs when the schedule wanted it, on the clock of `performance.now()`
   * @param encode called with the sequence number
   */
  publish(device: number, intendedMs: number, encode: (sequence: number) => Uint8Array, qos: PublishQos = 1): void {
    const connection = this.#connections[device] as DeviceConnection;
    const { outbox } = connection;
    if (outbox.isFull) {
      this.counts.overflowed += 1;
      return;
    }
    const sequence = this.#nextSequence[device] as number;
    this.#nextSequence[device] = sequence + 1;
    const packetId = outbox.nextPacketId();
    const topic = this.#topics[device] as Uint8Array;
    const frame = publishFrame(topic, packetId, encode(sequence), connection.version, qos);
    const message = { sequence, intendedMs, packetId, frame, sent: false, released: false, settled: false };
    connection.publish(message, performance.now());
  }

  /**
   * Publishes one message of a device at QoS 0, if it is written at once: nothing that was published before waits. Else it
   * is dropped, and has no sequence number. It is in no count.
   *
   * @param encode called with the sequence number, just before the bytes leave
   */
  publishOnce(device: number, encode: (sequence: number) => Uint8Array): void {
    const connection = this.#connections[device] as DeviceConnection;
    if (!connection.isClear) return;
    const sequence = this.#nextSequence[device] as number;
    this.#nextSequence[device] = sequence + 1;
    const topic = this.#topics[device] as Uint8Array;
    connection.publishOnce(publishFrame(topic, 0, encode(sequence), connection.version, 0), performance.now());
  }

  /**
   * Breaks the connections of a random share of the devices on purpose; they come back by themselves.
   *
   * @returns how many connections break, now or with their next PUBLISH
   */
  breakConnections(share: number, breakage: Breakage): number {
    const chosen = this.#connections.filter((connection) => connection.isOpen && this.#random.chance(share));
    for (const connection of chosen) connection.breakWith(breakage);
    return chosen.length;
  }

  get connected(): number {
    return this.#open;
  }

  /** Messages written on the present connections and not answered yet. */
  get inFlight(): number {
    return this.#connections.reduce((sum, connection) => sum + connection.outbox.inFlight, 0);
  }

  /** Messages that have no answer yet, whether written or not. */
  get outstanding(): number {
    return this.#connections.reduce((sum, connection) => sum + connection.outbox.size, 0);
  }

  /** Messages of the backlogs that were never written. */
  get neverSent(): number {
    return this.#connections.reduce(
      (sum, { outbox }) => sum + outbox.unsettled.filter((message) => !message.sent).length,
      0,
    );
  }

  /** Why the last connection failed or was lost. */
  get lastReason(): string | undefined {
    return this.#lastReason;
  }

  /** Why connections failed or were lost, most frequent first. */
  get reasons(): [reason: string, times: number][] {
    return [...this.#reasons].sort((a, b) => b[1] - a[1]);
  }

  /** Reason codes of negative acknowledgements, most frequent first. */
  get rejections(): [code: number, times: number][] {
    return [...this.#rejections].sort((a, b) => b[1] - a[1]);
  }

  /** Says DISCONNECT on every connection; cuts those that are not closed after `graceMs`. */
  async close(graceMs = 500): Promise<void> {
    clearInterval(this.#ticker);
    for (const connection of this.#connections) connection.end();
    await new Promise((resolve) => setTimeout(resolve, graceMs));
    for (const connection of this.#connections) connection.destroy();
  }

  opened(): void {
    this.#open += 1;
  }

  closed(_device: number, wasOpen: boolean, reason: string, isFinal: boolean): void {
    if (wasOpen) {
      this.#open -= 1;
      this.counts.disconnects += 1;
    } else this.counts.failedConnects += 1;
    if (isFinal) this.counts.finalRefusals += 1;
    this.#lastReason = reason;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  /** Entered before the bytes leave: a message that Kafka has must be in the ledger. */
  sent(device: number, message: OutboundMessage): void {
    this.#options.ledger.recordSent(this.#accounts[device] as number, message.sequence);
    if (message.sent) this.counts.resent += 1;
    else this.counts.sent += 1;
  }

  acknowledged(device: number, message: OutboundMessage): void {
    this.counts.acknowledged += 1;
    this.#options.ledger.recordAcknowledged(this.#accounts[device] as number, message.sequence);
    this.#options.onLatency(performance.now() - message.intendedMs);
  }

  rejected(device: number, message: OutboundMessage, code: number): void {
    this.counts.rejected += 1;
    this.#options.ledger.recordRejected(this.#accounts[device] as number, message.sequence, code);
    this.#rejections.set(code, (this.#rejections.get(code) ?? 0) + 1);
  }

  #connection(device: Device, readBuffer: Buffer): DeviceConnection {
    const { addresses, version, secrets, keepAliveSeconds, window, backlog, backoff } = this.#options;
    const connect = {
      clientId: device.deviceId,
      username: secrets ? device.deviceId : undefined,
      password: secrets?.get(device.deviceId),
      keepAliveSeconds,
      version: version === 'mixed' ? mixedVersion(device) : version,
    };
    return new DeviceConnection(
      device.index,
      {
        addresses,
        connect,
        window,
        backlog,
        connectTimeoutMs: 15_000,
        backoff: backoff ?? defaultBackoff,
        readBuffer,
        random: () => this.#random.next(),
      },
      this,
    );
  }
}

const mixedVersion = ({ index }: Device): MqttVersion => (index % 2 === 0 ? 5 : 4);
