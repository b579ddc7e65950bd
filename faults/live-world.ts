import { join } from 'node:path';
import { freePort } from '../deploy/local/ports.ts';
import { randomStream } from '../device-simulator/core/random.ts';
import { FaultFleet } from './fleet/fleet-process.ts';
import { GatewayUnderTest } from './gateway-under-test.ts';
import { ShiftedClock } from './injectors/shifted-clock.ts';
import { type JudgeOptions, judge, type TimeSpan, type Verdict } from './judge/judge.ts';
import { HELD_SEMI_SPACE_MIB } from './memory-limit.ts';
import { type Mutant, preloadOf } from './mutants/mutants.ts';
import { observe } from './observe.ts';
import type { Finding, Problem } from './result.ts';
import type { FleetWish, Form, Scenario, World } from './scenario.ts';
import { settingsOf, spoolDisk } from './scenario-settings.ts';
import { quietDevice, type Stage } from './stage.ts';
import { Timeline } from './timeline.ts';

export interface WorldOptions {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly form: Form;
  readonly fleet: FleetWish;
  readonly seed: number;
  readonly mutant: Mutant | undefined;
  /** Told phases, and what is done to the system. */
  readonly onProgress: (what: string) => void;
}

const heldYoungGeneration = ['min', 'max'].map((end) => `--${end}-semi-space-size=${HELD_SEMI_SPACE_MIB}`);

/** Of several gateways, each refers its devices to the next one when it stops. */
function referral(settings: object, ports: readonly number[], index: number): { shutdown?: object } {
  if (ports.length < 2) return {};
  const { shutdown } = settings as { shutdown?: object };
  return { shutdown: { ...shutdown, serverReference: `127.0.0.1:${ports[(index + 1) % ports.length]}` } };
}

/** A world that runs: gateways and a fleet of its own on the shared stage. `open` starts them, disposing ends them. */
export class LiveWorld implements World, AsyncDisposable {
  readonly form: Form;
  readonly random;
  readonly kafka;
  readonly proxies;
  readonly registry;
  readonly brokerDisk;
  readonly gatewayDisk;
  readonly topics;
  readonly rawTopic;
  readonly databasePath;
  readonly quiet;
  readonly timeline = new Timeline();
  readonly gateways: readonly GatewayUnderTest[];
  readonly clock: ShiftedClock | undefined;
  readonly problems: Problem[] = [];
  /** Verdicts on topics that were deleted afterwards. */
  readonly earlierVerdicts: Verdict[] = [];
  /** Duplicates that faults explain, beyond publishes that were sent again. */
  explainedDuplicates = 0;
  readonly #onProgress: (what: string) => void;
  readonly #ledgerFile: string;
  readonly #ignored: TimeSpan[] = [];
  readonly #endOfLooks = new AbortController();
  #looks: Promise<void> = Promise.resolve();
  #fleet: FaultFleet | undefined;

  private constructor(options: WorldOptions, ports: readonly number[], clock: ShiftedClock | undefined) {
    const { scenario, stage, form, seed, mutant } = options;
    this.form = form;
    this.random = randomStream(seed, 0x6368_616f);
    this.kafka = stage.kafka;
    this.proxies = stage.proxies;
    this.registry = stage.registry;
    this.brokerDisk = stage.brokerDisk;
    this.gatewayDisk = stage.gatewayDisk;
    this.quiet = { deviceId: quietDevice.deviceId, vehicleId: quietDevice.boundTo, secret: stage.quietSecret };
    this.clock = clock;
    const execArgv = [
      ...(scenario.boundsMemory === true ? heldYoungGeneration : []),
      ...(clock?.execArgv ?? []),
      ...(mutant === undefined ? [] : preloadOf(mutant)),
    ];
    const made = settingsOf(scenario, stage, form, 0, mutant?.settings);
    this.topics = { events: made.eventsTopic, deadLetters: made.deadLetterTopic };
    this.rawTopic = made.rawTopic;
    this.databasePath = stage.databasePath;
    this.#onProgress = options.onProgress;
    const launcher = spoolDisk(scenario, stage)?.enter ?? [];
    this.gateways = ports.map((port, index) => {
      const listeners = [{ name: 'devices', host: '127.0.0.1', port, auth: 'registry' }];
      const settings = { ...made.settings, listeners, ...referral(made.settings, ports, index) };
      return new GatewayUnderTest({ port, execArgv, launcher, settings });
    });
    this.#ledgerFile = join(stage.folder, `${made.eventsTopic}.ledger`);
  }

  /** Starts the gateways and the fleet. */
  static async open(options: WorldOptions): Promise<LiveWorld> {
    const ports: number[] = [];
    while (ports.length < (options.scenario.gateways ?? 1)) ports.push(await freePort());
    const clock = options.scenario.clock === true ? await ShiftedClock.create() : undefined;
    const world = new LiveWorld(options, ports, clock);
    try {
      // One after the other: the first one creates the topics.
      for (const gateway of world.gateways) await gateway.start();
      world.#looks = observe(world.gateways, world.timeline.observations, world.#endOfLooks.signal);
      const { fleet, stage, seed } = options;
      world.#fleet = await FaultFleet.start({
        ...fleet,
        addresses: ports.map((port) => ({ host: '127.0.0.1', port })),
        ledgerFile: world.#ledgerFile,
        seed,
        devicesCsv: stage.devicesCsv,
        version: 'mixed',
      });
      world.fleet.on('sample', (sample) => world.timeline.samples.push(sample));
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  get gateway(): GatewayUnderTest {
    return this.gateways[0] as GatewayUnderTest;
  }

  get fleet(): FaultFleet {
    if (this.#fleet === undefined) throw new Error('the fleet has not been started');
    return this.#fleet;
  }

  mark(label: string): void {
    this.timeline.mark('fault', label);
    this.#onProgress(label);
  }

  demand(holds: boolean, otherwise: string, finding: Finding = 'check'): void {
    if (!holds) this.problems.push({ finding, text: otherwise });
  }

  async judgeBeforeDeletion(): Promise<void> {
    this.earlierVerdicts.push(await this.#judge({ untilMs: Date.now() }));
  }

  deleted(): void {
    this.#ignored.push({ fromMs: 0, toMs: Date.now() });
  }

  explainDuplicates(count: number): void {
    this.explainedDuplicates += count;
  }

  /** The verdict on everything that was not judged before. */
  judge(): Promise<Verdict> {
    return this.#judge({});
  }

  #judge(until: Pick<JudgeOptions, 'untilMs'>): Promise<Verdict> {
    return judge({
      bootstrap: this.kafka.bootstrap,
      registryUrl: this.registry.url,
      ledgerFile: this.#ledgerFile,
      topics: this.topics,
      ignore: this.#ignored,
      ...until,
    });
  }

  /** Stops looking at the gateways, so that what follows cannot be mistaken for a fault. */
  async endLooks(): Promise<void> {
    this.#endOfLooks.abort();
    await this.#looks;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endLooks();
    await this.#fleet?.kill();
    await Promise.all(this.gateways.map((gateway) => gateway[Symbol.asyncDispose]()));
    await this.clock?.close();
  }
}
