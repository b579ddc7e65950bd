import { Admin } from '@platformatic/kafka';
import { startKafka } from '../deploy/local/kafka.ts';
import { type Placement, pinRunning } from './measure/placement.ts';

/** The topic of the default routes for telemetry; every server under test writes there. */
export const telemetryTopic = 'veh.events.raw';
const otherTopics = ['veh.events.raw.dlq', 'veh.commands.status'];
const partitions = 12;
const latest = -1n;

/** One local broker with the topics of the default routes, and a view of what is on it. */
export class Cluster implements AsyncDisposable {
  readonly bootstrap: readonly string[];
  readonly #admin: Admin;
  readonly #close: () => Promise<void>;

  private constructor(bootstrap: readonly string[], close: () => Promise<void>) {
    this.bootstrap = bootstrap;
    this.#close = close;
    this.#admin = new Admin({ clientId: 'bench', bootstrapBrokers: [...bootstrap] });
  }

  /** Starts the broker on its cores and creates the topics. Throws what the local servers throw. */
  static async start(placement: Placement, onLog: (line: string) => void): Promise<Cluster> {
    const kafka = await startKafka({ brokers: 1, onLog });
    for (const { pid } of kafka.brokers) pinRunning(pid, placement.brokerCores);
    const cluster = new Cluster(kafka.bootstrap, () => kafka.close());
    try {
      await cluster.#admin.createTopics({ topics: [telemetryTopic, ...otherTopics], partitions, replicas: 1 });
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** How many records have ever been written to the telemetry topic: the sum of its partitions' end offsets. */
  async recordsWritten(): Promise<number> {
    const [topic] = await this.#admin.listOffsets({
      topics: [
        {
          name: telemetryTopic,
          partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
            partitionIndex,
            timestamp: latest,
          })),
        },
      ],
    });
    return Number((topic?.partitions ?? []).reduce((sum, { offset }) => sum + offset, 0n));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close();
    await this.#close();
  }
}
