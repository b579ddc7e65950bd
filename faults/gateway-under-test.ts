import { readFile } from 'node:fs/promises';
import { waitFor } from '../deploy/local/wait-for.ts';
import { GatewayProcess, type LogLine, type MetricSample } from '../test/support/gateway-process.ts';
import { accountProblemIn } from './accounting.ts';
import type { GatewayObservation } from './result.ts';

const READY_DEADLINE_MS = 60_000;
const LOOK_TIMEOUT_MS = 1000;
const PAGE_BYTES = 4096;
const PROBLEMS_KEPT = 5;

export interface GatewayOptions {
  /** Where devices connect; the same after each restart. */
  readonly port: number;
  readonly settings: object;
  /** Arguments of Node, before the program: preloads. */
  readonly execArgv: readonly string[];
  /** Command that runs the gateway in its place, e.g. where a disk is mounted; none unless given. */
  readonly launcher?: readonly string[];
}

/** One gateway that is broken, ended and started again, always with the same settings on the same port. */
export class GatewayUnderTest implements AsyncDisposable {
  readonly port: number;
  readonly #options: GatewayOptions;
  #process: GatewayProcess | undefined;
  #endedLog: LogLine[] = [];
  #possibleDuplicatesEnded = 0;
  #possibleDuplicates = 0;
  #looks = 0;
  readonly #accountProblems = new Set<string>();

  constructor(options: GatewayOptions) {
    this.port = options.port;
    this.#options = options;
  }

  get running(): boolean {
    const child = this.#process?.child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Every line that it logged, over all restarts. */
  get log(): readonly LogLine[] {
    return [...this.#endedLog, ...(this.#process?.log ?? [])];
  }

  /** Records that it may have stored twice, by its own count, over all restarts. */
  get possibleDuplicates(): number {
    return this.#possibleDuplicatesEnded + this.#possibleDuplicates;
  }

  /** How often its metrics could be read, over all restarts. */
  get looks(): number {
    return this.#looks;
  }

  /** What was ever wrong with its accounts: at any look, or by its own log, over all restarts. */
  get accountProblems(): readonly string[] {
    const mismatches = this.log.filter(({ event }) => event === 'accounting_mismatch');
    return [...this.#accountProblems, ...mismatches.map((line) => `the gateway logged: ${JSON.stringify(line)}`)];
  }

  /** Starts the process without waiting for it to be ready. */
  async launch(): Promise<void> {
    if (this.running) throw new Error('the gateway runs already');
    this.#endedLog.push(...(this.#process?.log ?? []));
    this.#possibleDuplicatesEnded += this.#possibleDuplicates;
    this.#possibleDuplicates = 0;
    const { settings, execArgv, launcher } = this.#options;
    this.#process = await GatewayProcess.spawn(settings, {}, launcher, execArgv);
  }

  /** @throws {Error} when it ends or is not ready within a minute */
  async untilReady(): Promise<void> {
    await waitFor(() => this.#process?.find('gateway_ready') !== undefined || !this.running, {
      deadlineMs: READY_DEADLINE_MS,
      what: 'the gateway to be ready',
    });
    if (!this.running) throw new Error(`the gateway ended at its start: ${this.#lastWords()}`);
  }

  /** What it said last, as text. */
  #lastWords(): string {
    const line = this.#process?.log.at(-1);
    return line === undefined ? 'it said nothing' : JSON.stringify(line.text ?? line.msg ?? line);
  }

  async start(): Promise<void> {
    await this.launch();
    await this.untilReady();
  }

  /** Sends a signal and waits for the end. Returns the exit code, or null when the signal ended it. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    // The counts of a process that is killed are gone with it.
    await this.observe();
    this.#process?.kill(signal);
    return (await this.#process?.exited()) ?? null;
  }

  /** Asks for a full collection, of a process that was started with `soak/memory/collect-on-signal.ts`; others it would end. */
  collectGarbage(): void {
    this.#process?.kill('SIGUSR2');
  }

  /** One look from outside. Never throws: that it does not answer is an observation, too. */
  async observe(): Promise<GatewayObservation> {
    const atMs = Date.now();
    if (!this.running || this.#process?.find('admin_listening') === undefined) {
      return { atMs, running: this.running, ready: undefined, residentBytes: 0, pressure: undefined };
    }
    const [ready, residentBytes, samples] = await Promise.all([this.#isReady(), this.#residentBytes(), this.#scrape()]);
    if (samples !== undefined) this.#checkAccounts(samples);
    const value = (name: string): number | undefined => samples?.find((sample) => sample.name === name)?.value;
    this.#possibleDuplicates = value('edge_kafka_possible_duplicates_total') ?? this.#possibleDuplicates;
    return { atMs, running: true, ready, residentBytes, pressure: value('edge_pressure') };
  }

  /** @throws {Error} when it does not answer */
  async metrics(): Promise<MetricSample[]> {
    if (this.#process === undefined) throw new Error('the gateway was never started');
    return this.#process.metrics();
  }

  /** Sum of the samples of this name, 0 when there is none. */
  async metric(name: string): Promise<number> {
    return (await this.metrics()).reduce((sum, sample) => (sample.name === name ? sum + sample.value : sum), 0);
  }

  #checkAccounts(samples: readonly MetricSample[]): void {
    this.#looks += 1;
    const problem = accountProblemIn(samples);
    // One that stays wrong is wrong in ever new words.
    if (problem !== undefined && this.#accountProblems.size < PROBLEMS_KEPT) this.#accountProblems.add(problem);
  }

  /** Undefined when it does not answer. */
  async #isReady(): Promise<boolean | undefined> {
    try {
      const address = `${this.#process?.adminUrl}/readyz`;
      const response = await fetch(address, { signal: AbortSignal.timeout(LOOK_TIMEOUT_MS) });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return undefined;
    }
  }

  async #scrape(): Promise<MetricSample[] | undefined> {
    return this.#process?.metrics().catch(() => undefined);
  }

  async #residentBytes(): Promise<number> {
    return (await this.#pages())?.resident ?? 0;
  }

  /** Resident memory but for pages of files, which the system drops and reads again as it likes; undefined when it is down. */
  async ownMemoryBytes(): Promise<number | undefined> {
    const pages = await this.#pages();
    return pages === undefined ? undefined : pages.resident - pages.shared;
  }

  /** Fields 2 and 3 of statm (proc_pid_statm(5)), in bytes. */
  async #pages(): Promise<{ resident: number; shared: number } | undefined> {
    const statm = await readFile(`/proc/${this.#process?.child.pid}/statm`, 'utf8').catch(() => '');
    const [, resident = Number.NaN, shared = Number.NaN] = statm.split(' ').map((pages) => Number(pages) * PAGE_BYTES);
    return Number.isNaN(resident + shared) ? undefined : { resident, shared };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
  }
}
