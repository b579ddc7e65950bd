import { setTimeout as delay } from 'node:timers/promises';
import type { LoadResult } from '../load/generator.ts';
import { LoadProcess } from '../load/process.ts';
import type { Server } from '../servers/launch.ts';
import type { TestBed } from './bed.ts';
import type { ConsumerProcess } from './consumer/process.ts';
import { type Measured, measuredOf } from './measured.ts';
import { rates, type SpoolCase } from './plan.ts';

/** One measured window. */
export interface Step {
  readonly key: string;
  /** Messages per second, open loop; undefined: saturating. */
  readonly rate: number | undefined;
}

export interface Served {
  readonly bed: TestBed;
  readonly server: Server;
  /** Whose latency is measured, too. */
  readonly consumer?: ConsumerProcess;
  /** What is acknowledged reaches Kafka later; with `Kafka halted` it can't until the window is over. */
  readonly spool?: SpoolCase;
  /** Of the topic that the server writes to; 0: it writes nowhere. The gateway's default when not given. */
  readonly partitions?: number;
}

interface Timing {
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

const host = '127.0.0.1';
const millisecondsPerSecond = 1000;
/** Between two rates of the same connections: what the one left behind has settled by then. */
const betweenStepsMs = 1000;
/** What was spooled in a window must be on Kafka by then. */
const replayDeadlineMs = 180_000;
/** Every load gets another: with it no event id occurs twice. */
let bootId = Math.floor(Date.now() / millisecondsPerSecond);

/** The connections of one load on one server, and the windows that are measured on them one after another. */
export class ServedLoad implements AsyncDisposable {
  readonly #served: Served;
  readonly #load: LoadProcess;
  #writtenBefore = 0;

  constructor(served: Served) {
    this.#served = served;
    this.#load = new LoadProcess(served.bed.placement, served.server.pid);
  }

  async connect(connections: number, inFlight: number): Promise<void> {
    this.#writtenBefore = await this.#written();
    const { port } = this.#served.server;
    await this.#load.connect({ host, port, connections, inFlight, bootId: bootId++ });
  }

  /**
   * Measures the steps in their order. Before the first one the server warms up under the highest rate (or saturated),
   * whatever the step's own: at a low rate it would take minutes until its code is compiled.
   */
  async take(steps: readonly Step[], { seconds, warmUpSeconds }: Timing): Promise<Measured[]> {
    const warmUp = { warmUpMs: 0, measureMs: warmUpSeconds * millisecondsPerSecond };
    const saturates = steps[0]?.rate === undefined;
    const warm = await (saturates ? this.#load.saturate(warmUp) : this.#load.pace(rates[0] as number, warmUp));
    if (warm.unacknowledged > 0)
      throw new Error(`${warm.unacknowledged} publishes of the warm-up were not acknowledged`);
    const measured: Measured[] = [];
    for (const { rate } of steps) measured.push(await this.#step(rate, seconds * millisecondsPerSecond));
    return measured;
  }

  async #step(rate: number | undefined, measureMs: number): Promise<Measured> {
    const { consumer } = this.#served;
    const window = { warmUpMs: betweenStepsMs, measureMs };
    const fromMs = performance.timeOrigin + performance.now() + betweenStepsMs;
    await consumer?.expect(fromMs, fromMs + measureMs);
    const result = await this.#measure(rate, window);
    const seen = await consumer?.report(result.acknowledgedTotal);
    const problems = await this.#problems(result, seen?.arrived);
    return measuredOf(rate, result, problems, seen?.figures);
  }

  async #measure(rate: number | undefined, window: { warmUpMs: number; measureMs: number }): Promise<LoadResult> {
    const { bed, spool } = this.#served;
    using _halted = spool === 'Kafka halted' ? bed.haltKafka() : undefined;
    return await (rate === undefined ? this.#load.saturate(window) : this.#load.pace(rate, window));
  }

  /** What contradicts an acknowledgement; empty when all is well. */
  async #problems(result: LoadResult, arrived: number | undefined): Promise<string[]> {
    const { acknowledged, acknowledgedTotal, unacknowledged } = result;
    if (acknowledged === 0) throw new Error('nothing was acknowledged');
    const problems: string[] = [];
    if (unacknowledged > 0) problems.push(`${unacknowledged} publishes were never acknowledged`);
    const written = await this.#writtenOf(acknowledgedTotal);
    const isKept = this.#served.partitions !== 0;
    if (isKept && written < acknowledgedTotal) {
      problems.push(`${acknowledgedTotal} were acknowledged, only ${written} are on Kafka`);
    }
    if (arrived !== undefined && arrived < acknowledgedTotal) {
      problems.push(`${acknowledgedTotal} were acknowledged, only ${arrived} reached the consumer`);
    }
    return problems;
  }

  /** How many have been written since `connect`, after the time that it takes to replay them. */
  async #writtenOf(expected: number): Promise<number> {
    const deadlineMs = performance.now() + (this.#served.spool === undefined ? 0 : replayDeadlineMs);
    for (;;) {
      const written = (await this.#written()) - this.#writtenBefore;
      if (written >= expected || performance.now() >= deadlineMs) return written;
      await delay(betweenStepsMs);
    }
  }

  async #written(): Promise<number> {
    const { bed, partitions } = this.#served;
    return partitions === 0 ? 0 : await bed.recordsWritten(partitions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#load[Symbol.asyncDispose]();
  }
}
