import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRegistry } from '../../deploy/local/registry.ts';
import { Cluster, defaultPartitions } from '../cluster.ts';
import { allCores, type Placement, pinRunning } from '../measure/placement.ts';
import { type GatewayOptions, launchGateway, launchLimit, registerFleet, type Server } from '../servers/launch.ts';
import { ConsumerProcess } from './consumer/process.ts';
import { devices, partitionCounts } from './plan.ts';

const deadLetters = 'veh.events.raw.dlq';

/** The topic that has so many partitions. */
const topicOf = (partitions: number): string => `study.${partitions}`;

export interface BedOptions {
  /** How the parts are placed when the server has a core for itself. */
  readonly placement: Placement;
  readonly profileDir: string | undefined;
  readonly onLog: (line: string) => void;
}

/** Three brokers, a schema registry and a registered fleet, shared by all of a study. */
export class TestBed implements AsyncDisposable {
  readonly #options: BedOptions;
  readonly #cluster: Cluster;
  readonly #registry: { readonly url: string; readonly pid: number };
  readonly #folder: string;
  readonly #stack: AsyncDisposableStack;
  /** Where the parts run at present. */
  placement: Placement;

  private constructor(
    options: BedOptions,
    cluster: Cluster,
    registry: { readonly url: string; readonly pid: number },
    folder: string,
    stack: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.#cluster = cluster;
    this.#registry = registry;
    this.#folder = folder;
    this.#stack = stack;
    this.placement = options.placement;
  }

  static async open(options: BedOptions): Promise<TestBed> {
    const { placement, onLog } = options;
    await using opened = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'edge-study-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const topics = new Map([[deadLetters, 1], ...partitionCounts.map((count) => [topicOf(count), count] as const)]);
    const cluster = opened.use(await Cluster.start(placement, onLog, { brokers: 3, topics }));
    const registry = await startRegistry({ onLog });
    opened.defer(() => registry.close());
    pinRunning(registry.pid, placement.brokerCores);
    onLog('registering the fleet');
    await registerFleet(folder, devices);
    return new TestBed(options, cluster, registry, folder, opened.move());
  }

  /**
   * `apart`: the server has a core for itself, so that its CPU time is only its own. `shared`: every part runs on whatever
   * core is free, as the system likes.
   */
  place(how: 'apart' | 'shared'): void {
    const { placement } = this.#options;
    if (placement.cores === undefined) return;
    this.placement = how === 'apart' ? placement : { cores: undefined, brokerCores: allCores(placement), reason: how };
    this.#cluster.pin(this.placement.brokerCores);
    pinRunning(this.#registry.pid, this.placement.brokerCores);
  }

  /** @param kafka settings of the gateway's section `kafka` that are not the default. */
  gateway(partitions = defaultPartitions, kafka: Readonly<Record<string, number>> = {}): Promise<Server> {
    return this.#launch({ kafka, topic: topicOf(partitions) });
  }

  /** A gateway that answers out of a spool of its own. */
  async spoolingGateway(): Promise<Server> {
    const directory = await mkdtemp(join(this.#folder, 'spool-'));
    return this.#launch({ topic: topicOf(defaultPartitions), more: { spool: { mode: 'always', directory } } });
  }

  #launch(more: Pick<GatewayOptions, 'kafka' | 'topic' | 'more'>): Promise<Server> {
    const { bootstrap } = this.#cluster;
    const { url: registryUrl } = this.#registry;
    const settings = { bootstrap, registryUrl, folder: this.#folder, ...more };
    return launchGateway(settings, { placement: this.placement, profileDir: this.#options.profileDir });
  }

  /** Halts Kafka until the result is disposed of. */
  haltKafka(): Disposable {
    return this.#cluster.halt();
  }

  limit(): Promise<Server> {
    return launchLimit({ placement: this.placement, profileDir: this.#options.profileDir });
  }

  consumer(partitions = defaultPartitions): Promise<ConsumerProcess> {
    const subject = { bootstrap: this.#cluster.bootstrap, topic: topicOf(partitions) };
    return ConsumerProcess.start(subject, this.placement.brokerCores);
  }

  recordsWritten(partitions = defaultPartitions): Promise<number> {
    return this.#cluster.recordsWritten(topicOf(partitions));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
