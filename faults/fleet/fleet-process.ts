import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import type { Address } from '../../device-simulator/mqtt/addresses.ts';
import type {
  FaultFleetOptions,
  FleetCommand,
  FleetMessage,
  FleetReply,
  FleetSample,
  FleetSummary,
  ResetWish,
} from './protocol.ts';

export type { FaultFleetOptions, FleetSample, FleetSummary, ResetWish } from './protocol.ts';

/** The fleet cannot do what was asked, or is gone. */
export class FleetError extends Error {
  readonly code = 'fleet_failed';

  constructor(message: string) {
    super(message);
    this.name = 'FleetError';
  }
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: FleetError) => void;
}

/**
 * A fleet of simulated vehicles in a process of its own, with its ledger on disk, so that nothing that is done to the
 * gateway, to Kafka or to this process can touch the record of what was sent and answered.
 *
 * Emits `sample` about once a second while it runs.
 */
export class FaultFleet extends EventEmitter<{ sample: [FleetSample] }> implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #lastId = 0;
  #errorOutput = '';

  private constructor() {
    super();
    this.child = fork(join(import.meta.dirname, 'main.ts'), { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    this.child.stderr?.on('data', (bytes: Buffer) => {
      this.#errorOutput = (this.#errorOutput + bytes.toString()).slice(-4000);
    });
    this.child.on('message', (message) => this.#take(message as FleetMessage));
    this.#ended = new Promise((resolve) => {
      this.child.once('close', () => {
        this.#fail();
        resolve();
      });
    });
  }

  /**
   * Connects every vehicle, and begins to publish.
   *
   * @throws {FleetError} when not all of them are connected before the deadline, or an option is unusable
   */
  static async start(options: FaultFleetOptions): Promise<FaultFleet> {
    const fleet = new FaultFleet();
    try {
      await fleet.#ask({ kind: 'start', options });
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Vehicles that connect from now on use these gateways; open connections stay. */
  async setAddresses(addresses: readonly Address[]): Promise<void> {
    await this.#ask({ kind: 'setAddresses', addresses });
  }

  /**
   * Breaks a share of the connections, `plain` at once, in the other modes with their next PUBLISH; the vehicles come back.
   *
   * @returns how many connections break
   */
  async resetConnections(wish: ResetWish): Promise<number> {
    return (await this.#ask({ kind: 'resetConnections', ...wish })) as number;
  }

  /** Nothing new from now on; what is outstanding is still sent, also again after a lost connection. */
  async stopPublishing(): Promise<void> {
    await this.#ask({ kind: 'stopPublishing' });
  }

  /** Stops publishing and waits until nothing is outstanding. Returns how many publishes are, 0 unless the deadline came. */
  async drain(deadlineMs: number): Promise<number> {
    return (await this.#ask({ kind: 'drain', deadlineMs })) as number;
  }

  /** Counts and latencies since the start. */
  async summary(): Promise<FleetSummary> {
    return (await this.#ask({ kind: 'summary' })) as FleetSummary;
  }

  /** Disconnects every vehicle, closes the ledger, ends the process. */
  async close(): Promise<void> {
    if (this.#isRunning) await this.#ask({ kind: 'close' });
    await this.#ended;
  }

  /** Ends the process, with SIGKILL in the middle of whatever it does; the ledger stays readable. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#isRunning) this.child.kill(signal);
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  get #isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  #ask(command: FleetCommand): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      if (this.child.connected) this.child.send({ id, command });
      else this.#fail();
    });
  }

  #take(message: FleetMessage): void {
    if ('sample' in message) this.emit('sample', message.sample);
    else this.#answer(message);
  }

  #answer(reply: FleetReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('problem' in reply) waiting?.reject(new FleetError(reply.problem));
    else waiting?.resolve(reply.result);
  }

  #fail(): void {
    const error = new FleetError(`the fleet has ended\n${this.#errorOutput}`.trimEnd());
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
