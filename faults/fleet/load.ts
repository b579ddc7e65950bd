import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { loadSecrets } from '../../device-simulator/config/credentials.ts';
import { createFleet, type Device } from '../../device-simulator/core/fleet.ts';
import { type Random, randomStream } from '../../device-simulator/core/random.ts';
import { Schedule } from '../../device-simulator/core/schedule.ts';
import { World } from '../../device-simulator/core/world.ts';
import { type Address, GatewayAddresses } from '../../device-simulator/mqtt/addresses.ts';
import { loadPayloadEncoder, type PayloadEncoder, readingOf } from '../../device-simulator/mqtt/payload.ts';
import { FleetPublisher } from '../../device-simulator/mqtt/publisher.ts';
import { contentOf, ReportReader } from '../content.ts';
import { LedgerFile } from './ledger-file.ts';
import type { FaultFleetOptions, FleetSample, FleetSummary, ResetWish } from './protocol.ts';
import { Sampler } from './sampler.ts';

const sampleEveryMs = 1000;
const lookEveryMs = 20;
const connectsPerSecond = 500;
/** Soon back: what is tested is how the gateway takes a fleet that returns, not how long it stays away. */
const backoff = { firstMs: 100, maxMs: 2000 };
/** A share of a battery's charge that no battery has. */
const invalidCharge = 1.5;

/** The fleet at work: connects, publishes by an open-loop schedule, keeps the ledger, samples itself. */
export class FleetLoad {
  readonly #options: FaultFleetOptions;
  readonly #fleet: readonly Device[];
  readonly #world: World;
  readonly #encoder: PayloadEncoder;
  readonly #reader = new ReportReader();
  readonly #random: Random;
  readonly #ledger: LedgerFile;
  readonly #addresses: GatewayAddresses;
  readonly #publisher: FleetPublisher;
  readonly #sampler: Sampler;
  #step: NodeJS.Timeout | undefined;
  #sampling: NodeJS.Timeout | undefined;

  private constructor(
    options: FaultFleetOptions,
    runId: number,
    fleet: readonly Device[],
    secrets: ReadonlyMap<string, string> | undefined,
  ) {
    const { seed, vehicles, version, window, backlog = 10_000, keepAliveSeconds = 60 } = options;
    this.#options = options;
    this.#fleet = fleet;
    this.#world = new World(fleet, seed, Date.now());
    this.#encoder = loadPayloadEncoder();
    this.#random = randomStream(seed, 0x6661_756c);
    this.#ledger = new LedgerFile(options.ledgerFile, { runId, vehicles, startedAtMs: Date.now() });
    this.#addresses = new GatewayAddresses(options.addresses);
    this.#publisher = new FleetPublisher({
      ...{ addresses: this.#addresses, version, devices: fleet, secrets, keepAliveSeconds, window, backlog, seed },
      ...{ backoff, ledger: this.#ledger, onLatency: (latencyMs) => this.#sampler.latency(latencyMs) },
    });
    this.#sampler = new Sampler(this.#publisher);
  }

  /** Resolves when every vehicle is connected and the first publishes are on their way. Throws when they do not connect. */
  static async start(options: FaultFleetOptions, onSample: (sample: FleetSample) => void): Promise<FleetLoad> {
    // Every run boots its devices anew, so that its events are told apart from those of other runs.
    const runId = randomInt(2 ** 32);
    const fleet = createFleet({ vehicles: options.vehicles, bays: 0, runId });
    const { devicesCsv } = options;
    const secrets = await loadSecrets(
      devicesCsv === undefined ? { kind: 'anonymous' } : { kind: 'file', path: devicesCsv },
      fleet,
    );
    const load = new FleetLoad(options, runId, fleet, secrets);
    await load.#connect();
    load.#publish();
    load.#sampling = setInterval(() => onSample(load.#sampler.take()), sampleEveryMs);
    return load;
  }

  setAddresses(addresses: readonly Address[]): void {
    this.#addresses.replace(addresses);
  }

  resetConnections({ share, mode }: ResetWish): number {
    return this.#publisher.breakConnections(share, mode);
  }

  stopPublishing(): void {
    clearTimeout(this.#step);
    this.#step = undefined;
  }

  /** Returns how many publishes have no answer when nothing is outstanding, or the deadline has come. */
  async drain(deadlineMs: number): Promise<number> {
    this.stopPublishing();
    const endMs = performance.now() + deadlineMs;
    while (this.#publisher.outstanding > 0 && performance.now() < endMs) await delay(lookEveryMs);
    this.#ledger.flush();
    return this.#publisher.outstanding;
  }

  summary(): FleetSummary {
    return this.#sampler.summary();
  }

  async close(): Promise<void> {
    this.stopPublishing();
    clearInterval(this.#sampling);
    await this.#publisher.close();
    this.#ledger.close();
  }

  async #connect(): Promise<void> {
    const { connectDeadlineMs = 60_000 } = this.#options;
    const spreadMs = (this.#fleet.length * 1000) / connectsPerSecond;
    const endMs = performance.now() + spreadMs + connectDeadlineMs;
    this.#publisher.start(spreadMs);
    while (this.#publisher.connected < this.#fleet.length) {
      if (performance.now() > endMs) {
        const { connected, lastReason = 'no answer' } = this.#publisher;
        throw new Error(`${connected} of ${this.#fleet.length} vehicles connected in time: ${lastReason}`);
      }
      await delay(lookEveryMs);
    }
  }

  #publish(): void {
    const { vehicles, ratePerSecond } = this.#options;
    const schedule = new Schedule({
      intervalsMs: new Float64Array(vehicles).fill((vehicles * 1000) / ratePerSecond),
      rampMs: 0,
      endMs: Number.POSITIVE_INFINITY,
    });
    const startedMs = performance.now();
    const startedAtEpochMs = Date.now();
    const due = (device: number, intendedMs: number): void =>
      this.#publishOne(device, intendedMs, startedMs, startedAtEpochMs);
    const step = (): void => {
      const elapsedMs = performance.now() - startedMs;
      schedule.takeDue(elapsedMs, due);
      this.#step = setTimeout(step, Math.max(1, (schedule.nextMs ?? 0) - elapsedMs));
    };
    step();
  }

  #publishOne(index: number, intendedMs: number, startedMs: number, startedAtEpochMs: number): void {
    const { rejectShare, qos2Share = 0, qos0Share = 0 } = this.#options;
    const isInvalid = this.#random.chance(rejectShare);
    const drawn = this.#random.next();
    const device = this.#fleet[index] as Device;
    const vehicle = this.#world.vehicleAt(index, intendedMs);
    const encode = (sequence: number): Uint8Array => {
      const envelope = { device, sequence, eventTimeMs: startedAtEpochMs + intendedMs };
      if (isInvalid) this.#ledger.recordInvalid(index, sequence);
      const reading = isInvalid ? { ...readingOf(vehicle), batteryLevel: invalidCharge } : vehicle;
      const payload = this.#encoder.vehicle(envelope, reading);
      this.#ledger.recordContent(index, sequence, this.#contentOf(payload));
      return payload;
    };
    if (drawn < qos0Share) {
      this.#publisher.publishOnce(index, (sequence) => {
        const payload = encode(sequence);
        this.#ledger.recordSentOnce(index, sequence);
        return payload;
      });
      return;
    }
    const qos = drawn < qos0Share + qos2Share ? 2 : 1;
    this.#publisher.publish(index, startedMs + intendedMs, encode, qos);
  }

  /** Of the bytes, not of the reading: what counts is what is sent. */
  #contentOf(payload: Uint8Array): number {
    const report = this.#reader.read(payload);
    if (report === undefined) throw new Error('the fleet cannot read its own report');
    return contentOf(report);
  }
}
