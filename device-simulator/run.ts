import { setTimeout as delay } from 'node:timers/promises';
import type { SimulatorSettings } from './config/settings.ts';
import type { Device } from './core/fleet.ts';
import type { Ledger } from './core/ledger.ts';
import { Schedule } from './core/schedule.ts';
import { World } from './core/world.ts';
import { addressText, GatewayAddresses } from './mqtt/addresses.ts';
import { loadPayloadEncoder } from './mqtt/payload.ts';
import { FleetPublisher } from './mqtt/publisher.ts';
import { describeCode } from './mqtt/reasons.ts';
import { LatencyHistogram } from './report/latency.ts';
import type { Progress, RunFigures, Totals } from './report/report.ts';

/** The fleet never got to the gateway, so that nothing could be measured; the message says why. */
export class NoConnectionError extends Error {
  readonly code = 'no_connection';

  constructor(message: string) {
    super(message);
    this.name = 'NoConnectionError';
  }
}

/** What to look at, for the reasons that a person meets first. */
function hint(reason: string): string {
  if (reason === 'ECONNREFUSED') return '; is the gateway running, and is --mqtt its address?';
  if (reason.startsWith('refused: ')) return "; are these devices in the gateway's registry, with these secrets?";
  return '';
}

export interface RunOptions {
  readonly settings: SimulatorSettings;
  readonly fleet: readonly Device[];
  readonly secrets: ReadonlyMap<string, string> | undefined;
  readonly ledger: Ledger;
  /** Aborted: send nothing more, wait for what is outstanding. */
  readonly stop: AbortSignal;
  /** Aborted: do not wait either. */
  readonly abandon: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

const progressEveryMs = 500;
const connectStallMs = 30_000;
/** How many new connections a fleet opens per second, so that a gateway's password hashing is not measured here. */
const connectsPerSecond = 500;

/**
 * Connects the fleet, sends by the schedule, waits for the outstanding acknowledgements, disconnects.
 *
 * @throws {NoConnectionError} when not one device could connect
 */
export async function runFleet(options: RunOptions): Promise<Omit<RunFigures, 'verification'>> {
  const run = new FleetRun(options);
  try {
    await run.connect();
    await run.send();
    await run.drain();
    return run.figures();
  } finally {
    await run.close();
  }
}

class FleetRun {
  readonly #options: RunOptions;
  readonly #publisher: FleetPublisher;
  readonly #latency = new LatencyHistogram();
  #acknowledgedBefore = 0;
  #shownAtMs = performance.now();

  constructor(options: RunOptions) {
    this.#options = options;
    const { settings, fleet, secrets, ledger } = options;
    this.#publisher = new FleetPublisher({
      ...settings,
      addresses: new GatewayAddresses(settings.addresses, settings.followsAnyServer),
      devices: fleet,
      secrets,
      ledger,
      onLatency: (latencyMs) => this.#latency.record(latencyMs),
    });
  }

  /** Until every device is connected; gives up the rest when for half a minute not one more has got in. */
  async connect(): Promise<void> {
    const { fleet, stop } = this.#options;
    this.#publisher.start((fleet.length * 1000) / connectsPerSecond);
    const startedMs = performance.now();
    let most = 0;
    let advancedAtMs = startedMs;
    while (this.#publisher.connected < fleet.length && !stop.aborted) {
      const now = performance.now();
      if (this.#publisher.connected > most) {
        most = this.#publisher.connected;
        advancedAtMs = now;
      }
      if (now - advancedAtMs > connectStallMs || this.#isHopeless()) break;
      this.#show('connecting', now - startedMs, Number.POSITIVE_INFINITY);
      await delay(50);
    }
    if (this.#publisher.connected > 0 || stop.aborted) return;
    const [reason = 'no answer'] = this.#publisher.reasons[0] ?? [];
    const where = this.#options.settings.addresses.map(addressText).join(' or ');
    throw new NoConnectionError(`no device could connect to ${where}: ${reason}${hint(reason)}`);
  }

  /** Every device has been refused, for reasons that do not pass. */
  #isHopeless(): boolean {
    const { counts, connected } = this.#publisher;
    return connected === 0 && counts.finalRefusals >= this.#options.fleet.length;
  }

  /** Hands out what is due until the schedule is over. One timer, set to the next intended time. */
  async send(): Promise<void> {
    const { settings, fleet, stop } = this.#options;
    if (stop.aborted) return;
    const totalMs = (settings.rampSeconds + settings.seconds) * 1000;
    const schedule = new Schedule({
      intervalsMs: Float64Array.from(
        fleet,
        ({ kind }) => 1000 / (kind === 'vehicle' ? settings.rate : settings.bayRate),
      ),
      rampMs: settings.rampSeconds * 1000,
      endMs: totalMs,
    });
    const publishDue = this.#dueHandler();
    const startedMs = performance.now();
    const startedAtEpochMs = Date.now();
    const due = (device: number, intendedMs: number): void =>
      publishDue(device, intendedMs, startedMs, startedAtEpochMs);
    await new Promise<void>((resolve) => {
      const step = (): void => {
        const elapsedMs = performance.now() - startedMs;
        schedule.takeDue(elapsedMs, due);
        this.#show('sending', elapsedMs, totalMs);
        const { nextMs } = schedule;
        if (nextMs === undefined || stop.aborted) resolve();
        // At least every half second, to see the stop signal and to show progress.
        else setTimeout(step, Math.min(progressEveryMs, Math.max(1, nextMs - elapsedMs)));
      };
      step();
    });
  }

  /** Waits for outstanding acknowledgements. */
  async drain(): Promise<void> {
    const { settings, abandon } = this.#options;
    const startedMs = performance.now();
    const totalMs = settings.drainSeconds * 1000;
    while (this.#publisher.outstanding > 0 && !abandon.aborted) {
      const elapsedMs = performance.now() - startedMs;
      if (elapsedMs >= totalMs) break;
      this.#show('draining', elapsedMs, totalMs);
      await delay(20);
    }
    this.#options.onProgress(this.#progress('draining', performance.now() - startedMs, totalMs));
  }

  figures(): Omit<RunFigures, 'verification'> {
    const { counts, neverSent } = this.#publisher;
    return {
      ...this.#totals(),
      resent: counts.resent,
      neverSent,
      unanswered: counts.sent - counts.acknowledged - counts.rejected,
      connectionFailures: this.#publisher.reasons,
      rejections: this.#publisher.rejections.map(([code, times]) => [describeCode(code, 5), times]),
    };
  }

  close(): Promise<void> {
    return this.#publisher.close();
  }

  /** Hands a due message to the publisher; made before the schedule begins, because a large fleet takes a while to make. */
  #dueHandler(): (device: number, intendedMs: number, startedMs: number, startedAtEpochMs: number) => void {
    const { settings, fleet } = this.#options;
    const world = new World(fleet, settings.seed, Date.now());
    const encoder = loadPayloadEncoder();
    return (index, intendedMs, startedMs, startedAtEpochMs) => {
      const device = fleet[index] as Device;
      this.#publisher.publish(index, startedMs + intendedMs, (sequence) => {
        const envelope = { device, sequence, eventTimeMs: startedAtEpochMs + intendedMs };
        return device.kind === 'vehicle'
          ? encoder.vehicle(envelope, world.vehicleAt(index, intendedMs))
          : encoder.bay(envelope, world.bayAt(index, intendedMs));
      });
    };
  }

  #show(phase: Progress['phase'], elapsedMs: number, totalMs: number): void {
    const now = performance.now();
    if (now - this.#shownAtMs < progressEveryMs) return;
    this.#options.onProgress(this.#progress(phase, elapsedMs, totalMs));
    this.#acknowledgedBefore = this.#publisher.counts.acknowledged;
    this.#shownAtMs = now;
  }

  #progress(phase: Progress['phase'], elapsedMs: number, totalMs: number): Progress {
    const sinceShownMs = Math.max(1, performance.now() - this.#shownAtMs);
    const acknowledgedSince = this.#publisher.counts.acknowledged - this.#acknowledgedBefore;
    return {
      ...this.#totals(),
      phase,
      trouble: this.#publisher.lastReason,
      elapsedSeconds: elapsedMs / 1000,
      totalSeconds: totalMs / 1000,
      acknowledgedPerSecond: (acknowledgedSince * 1000) / sinceShownMs,
    };
  }

  #totals(): Totals {
    const { counts, connected, inFlight } = this.#publisher;
    return {
      devices: this.#options.fleet.length,
      connected,
      published: counts.sent,
      acknowledged: counts.acknowledged,
      rejected: counts.rejected,
      inFlight,
      latency: this.#latency.summary(),
      reconnects: counts.disconnects,
      overflowed: counts.overflowed,
    };
  }
}
