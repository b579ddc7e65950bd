import { Admin } from '@platformatic/kafka';
import { type LocalKafka, startKafka } from '../deploy/local/kafka.ts';
import { type Placement, pinRunning } from './measure/placement.ts';
import { alertTopic, connectivityTopic } from './servers/everything.ts';

/** The topic of the default routes for telemetry; every server under test writes there. */
export const telemetryTopic = 'veh.events.raw';
/** Partitions of every topic whose number nobody asks for otherwise. */
export const defaultPartitions = 12;
const latest = -1n;

/** How a cluster of a benchmark is made. */
export interface ClusterLayout {
  /** Of three, every partition has three replicas, and a write counts when two have it. */
  readonly brokers: 1 | 3;
  /** Partitions of each topic, by name. */
  readonly topics: ReadonlyMap<string, number>;
}

/** The topics of the default routes, and of what a gateway writes by itself, on one broker. */
export const oneBroker: ClusterLayout = {
  brokers: 1,
  topics: new Map(
    [telemetryTopic, 'veh.events.raw.dlq', 'veh.commands.status', alertTopic, connectivityTopic].map((name) => [
      name,
      defaultPartitions,
    ]),
  ),
};

/** Local brokers with the topics of a layout, and a view of what is on them. */
export class Cluster implements AsyncDisposable {
  readonly bootstrap: readonly string[];
  readonly #kafka: LocalKafka;
  readonly #layout: ClusterLayout;
  readonly #admin: Admin;

  private constructor(kafka: LocalKafka, layout: ClusterLayout) {
    this.bootstrap = kafka.bootstrap;
    this.#kafka = kafka;
    this.#layout = layout;
    this.#admin = new Admin({ clientId: 'bench', bootstrapBrokers: [...kafka.bootstrap] });
  }

  /** Starts the brokers on their cores and creates the topics. Throws what the local servers throw. */
  static async start(
    placement: Placement,
    onLog: (line: string) => void,
    layout: ClusterLayout = oneBroker,
  ): Promise<Cluster> {
    const kafka = await startKafka({ brokers: layout.brokers, onLog });
    const cluster = new Cluster(kafka, layout);
    try {
      cluster.pin(placement.brokerCores);
      for (const [topic, partitions] of layout.topics) {
        await cluster.#admin.createTopics({ topics: [topic], partitions, replicas: layout.brokers });
      }
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** Moves the brokers to these cores; leaves them where they are when none is named. */
  pin(cores: readonly number[]): void {
    for (const { pid } of this.#kafka.brokers) pinRunning(pid, cores);
  }

  /** Halts all brokers until the result is disposed of: nothing is answered, and no connection is closed. */
  halt(): Disposable {
    for (const { pid } of this.#kafka.brokers) process.kill(pid, 'SIGSTOP');
    return {
      [Symbol.dispose]: () => {
        for (const { pid } of this.#kafka.brokers) process.kill(pid, 'SIGCONT');
      },
    };
  }

  /** How many records have ever been written to a topic of the layout: the sum of its partitions' end offsets. */
  async recordsWritten(name: string = telemetryTopic): Promise<number> {
    const partitions = Array.from({ length: this.#layout.topics.get(name) ?? 0 }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: latest,
    }));
    const [topic] = await this.#admin.listOffsets({ topics: [{ name, partitions }] });
    return Number((topic?.partitions ?? []).reduce((sum, { offset }) => sum + offset, 0n));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close();
    await this.#kafka.close();
  }
}
