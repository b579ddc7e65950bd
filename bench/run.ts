import type { LoadResult } from './load/generator.ts';
import { LoadProcess } from './load/process.ts';
import { type IdleMemory, measureIdleMemory } from './measure/idle-memory.ts';
import type { Placement } from './measure/placement.ts';
import type { BenchOptions } from './parts.ts';
import { type Figures, figuresOf, type Measurements, type RateFigures } from './report/figures.ts';
import { alertTopic } from './servers/everything.ts';
import { openSession, type ServerName, type Session } from './session.ts';

const host = '127.0.0.1';
const millisecondsPerSecond = 1000;
/** Publishes that a connection may have unacknowledged at a fixed rate; more wait, and their waiting counts. */
const paceInFlight = 16;

/** Measures what the options name. Progress goes to `onLog`, one line each. Throws when something can't be measured. */
export const runBench = async (
  options: BenchOptions,
  placement: Placement,
  onLog: (line: string) => void,
): Promise<Measurements> => {
  await using session = await openSession(options, placement, onLog);
  return await new Bench(options, placement, session, onLog).run();
};

class Bench {
  readonly #options: BenchOptions;
  readonly #placement: Placement;
  readonly #session: Session;
  readonly #onLog: (line: string) => void;
  readonly #violations: string[] = [];
  #alertsPerMessage: number | undefined;
  /** Every load of a run gets another: with it no event id occurs twice. */
  #bootId = Math.floor(Date.now() / millisecondsPerSecond);

  constructor(options: BenchOptions, placement: Placement, session: Session, onLog: (line: string) => void) {
    this.#options = options;
    this.#placement = placement;
    this.#session = session;
    this.#onLog = onLog;
  }

  async run(): Promise<Measurements> {
    const { rounds, only, inFlight } = this.#options;
    const figures = { limit: [], coalescedLimit: [], baseline: [], gateway: [], full: [] } as Record<string, Figures[]>;
    for (let round = 0; round < rounds; round++) {
      const order: ServerName[] = ['limit', 'baseline', 'gateway', 'full'];
      // The other way round in every second round: what drifts with time then favours nobody.
      for (const name of round % 2 === 0 ? order : order.toReversed()) {
        if (!only.includes(name)) continue;
        this.#onLog(`round ${round + 1} of ${rounds}: ${name}`);
        if (name === 'limit') {
          figures.limit?.push(await this.#saturate('limit', 1));
          if (inFlight > 1) figures.coalescedLimit?.push(await this.#saturate('limit', inFlight));
        } else figures[name]?.push(await this.#saturate(name, inFlight));
      }
    }
    const { limit = [], coalescedLimit = [], baseline = [], gateway = [], full = [] } = figures;
    const rate = only.includes('rate') ? await this.#rate() : undefined;
    const gatewayIdle = only.includes('idle') ? await this.#idle('gateway') : undefined;
    const baselineIdle = only.includes('idle') ? await this.#idle('baseline') : undefined;
    const of = { limit, coalescedLimit, baseline, gateway, full, rate, gatewayIdle, baselineIdle };
    return { ...of, alertsPerMessage: this.#alertsPerMessage, violations: this.#violations };
  }

  async #saturate(name: ServerName, inFlight: number): Promise<Figures> {
    const { connections } = this.#options;
    const result = await this.#underLoad(name, connections, inFlight, (load) => load.saturate(this.#window));
    const figures = figuresOf(result);
    this.#onLog(
      `  ${figures.cpuUsPerMessage.toFixed(1)} µs CPU per message, ${Math.round(figures.ackedPerSecond)} acknowledged/s` +
        ` (${connections} connections × ${inFlight} in flight)`,
    );
    return figures;
  }

  async #rate(): Promise<RateFigures> {
    const { rate, rateConnections: connections } = this.#options;
    this.#onLog(`gateway at ${rate} messages/s over ${connections} connections`);
    const result = await this.#underLoad('gateway', connections, paceInFlight, (load) => load.pace(rate, this.#window));
    this.#onLog(`  PUBACK p50 ${result.latency.p50Ms} ms, p99 ${result.latency.p99Ms} ms`);
    return { ...figuresOf(result), askedPerSecond: rate, connections };
  }

  async #idle(name: ServerName): Promise<IdleMemory> {
    const { idleConnections } = this.#options;
    this.#onLog(`${name} with ${idleConnections} idle connections`);
    await using server = await this.#session.launch(name, true);
    await using warmUp = new LoadProcess(this.#placement, server.pid);
    await using load = new LoadProcess(this.#placement, server.pid);
    const memory = await measureIdleMemory(server, load, warmUp, idleConnections);
    this.#onLog(`  ${Math.round(memory.bytesPerConnection)} bytes per connection`);
    return memory;
  }

  get #window(): { warmUpMs: number; measureMs: number } {
    const { seconds, warmUpSeconds } = this.#options;
    return { warmUpMs: warmUpSeconds * millisecondsPerSecond, measureMs: seconds * millisecondsPerSecond };
  }

  /** One measurement of a server that was started for it, checked against what Kafka has afterwards. */
  async #underLoad(
    name: ServerName,
    connections: number,
    inFlight: number,
    measure: (load: LoadProcess) => Promise<LoadResult>,
  ): Promise<LoadResult> {
    const writtenBefore = await this.#session.recordsWritten();
    const alertsBefore = await this.#session.recordsWritten(alertTopic);
    await using server = await this.#session.launch(name);
    await using load = new LoadProcess(this.#placement, server.pid);
    await load.connect({ host, port: server.port, connections, inFlight, bootId: this.#bootId++ });
    const result = await measure(load);
    if (result.acknowledged === 0) throw new Error(`${name}: nothing was acknowledged`);
    if (result.unacknowledged > 0) {
      this.#violations.push(`${name}: ${result.unacknowledged} publishes were never acknowledged`);
    }
    const written = (await this.#session.recordsWritten()) - writtenBefore;
    if (name !== 'limit' && written < result.acknowledgedTotal) {
      this.#violations.push(`${name}: ${result.acknowledgedTotal} acknowledged, only ${written} on Kafka`);
    }
    if (name === 'full') {
      const alerts = (await this.#session.recordsWritten(alertTopic)) - alertsBefore;
      this.#alertsPerMessage = alerts / result.acknowledgedTotal;
      if (alerts === 0)
        this.#violations.push('full: no vehicle has met a fence, so that nothing of alerts was measured');
    }
    return result;
  }
}
