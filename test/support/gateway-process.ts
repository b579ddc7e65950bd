import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { waitFor } from './wait-for.ts';

/** A gateway that hangs must not make those hang who look at it. */
const METRICS_TIMEOUT_MS = 10_000;

/** A line of the gateway's log. */
export interface LogLine {
  readonly event: string;
  readonly [key: string]: unknown;
}

export interface MetricSample {
  readonly name: string;
  /** As in the text, `{reason="no_route"}`; empty when it has none. */
  readonly labels: string;
  readonly value: number;
}

/** The real gateway as a child process of a test, on free ports unless the settings name some. */
export class GatewayProcess implements AsyncDisposable {
  readonly log: LogLine[] = [];
  readonly child: ChildProcess;
  #exit: Promise<number | null>;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.#exit = once(child, 'exit').then(([code]) => code as number | null);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.log.push(parseLine(line));
      });
    }
  }

  /** Starts it with `settings` (written as YAML) and waits until it says that it is ready. */
  static async start(settings: object, env: Record<string, string> = {}): Promise<GatewayProcess> {
    const gateway = await GatewayProcess.spawn(settings, env);
    await gateway.untilReady();
    return gateway;
  }

  /** Waits until it says that it is ready. */
  async untilReady(): Promise<void> {
    await waitFor(() => this.find('gateway_ready') !== undefined || this.child.exitCode !== null, {
      deadlineMs: 60_000,
      what: 'the gateway to be ready',
    });
    if (this.child.exitCode !== null) throw new Error(`the gateway ended at once: ${JSON.stringify(this.log)}`);
  }

  /**
   * Starts it without waiting for readiness.
   *
   * @param launcher command and arguments that run what follows them, in its place
   * @param execArgv arguments of Node, before the program; some are not allowed in NODE_OPTIONS
   */
  static async spawn(
    settings: object,
    env: Record<string, string> = {},
    launcher: readonly string[] = [],
    execArgv: readonly string[] = [],
  ): Promise<GatewayProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'gateway-test-'));
    const file = join(folder, 'gateway.yaml');
    await writeFile(file, stringify(settings));
    const main = join(import.meta.dirname, '../../gateway/main.ts');
    const [command = process.execPath, ...before] = launcher.length === 0 ? [] : [...launcher, process.execPath];
    const child = spawn(command, [...before, ...execArgv, main, '--config', file], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Whatever ends this process without disposing of the gateway must not leave it behind.
    const endWithParent = (): void => {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    };
    process.once('exit', endWithParent);
    child.once('exit', () => {
      process.off('exit', endWithParent);
      void rm(folder, { recursive: true, force: true });
    });
    return new GatewayProcess(child);
  }

  find(event: string): LogLine | undefined {
    return this.log.find((line) => line.event === event);
  }

  /** Port of the named MQTT listener. */
  mqttPort(listener = 'devices'): number {
    const ready = this.find('gateway_ready');
    const ports = ready?.listeners as Record<string, number> | undefined;
    const port = ports?.[listener];
    if (port === undefined) throw new Error(`no listener ${listener} in ${JSON.stringify(ready)}`);
    return port;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${String(this.find('admin_listening')?.port)}`;
  }

  /** All samples of one scrape of /metrics. */
  async metrics(): Promise<MetricSample[]> {
    const answer = await fetch(`${this.adminUrl}/metrics`, { signal: AbortSignal.timeout(METRICS_TIMEOUT_MS) });
    const text = await answer.text();
    return text.split('\n').flatMap((line) => {
      const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(\{[^}]*\})? (\S+)/.exec(line) ?? [];
      return name === undefined ? [] : [{ name, labels, value: Number(value) }];
    });
  }

  /** The sum of the samples of /metrics with this name and these labels, 0 when there is none. */
  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    return (await this.metrics())
      .filter((sample) => sample.name === name && wanted.every((label) => sample.labels.includes(label)))
      .reduce((sum, { value }) => sum + value, 0);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves with the exit code, or null when a signal ended it. */
  exited(): Promise<number | null> {
    return this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.#exit;
  }
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { event: 'plain_text', text: line };
  }
}
