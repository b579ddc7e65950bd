import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { classArchiveFlags, classArchivePath } from './class-archive.ts';
import { findJava } from './java.ts';
import { type BrokerOptions, type LocalBroker, startBroker } from './kafka-broker.ts';
import { type KafkaDirectory, openKafkaDirectory, prepareNode, type ScramUser } from './kafka-directory.ts';
import type { KafkaNode, ListenerWish, NodeListener, ServerSettings } from './kafka-settings.ts';
import { makeClassArchive } from './make-class-archive.ts';
import { fetchServerJars } from './maven.ts';
import { assertPortFree, freePorts } from './ports.ts';
import { LocalServerError, type OnLog } from './progress.ts';
import { startAll } from './start-all.ts';

export type { LocalBroker } from './kafka-broker.ts';
export type { ProxiedPorts, ServerSettings } from './kafka-settings.ts';

export interface KafkaOptions {
  readonly brokers: 1 | 3;
  /** Kept, and opened again with its data when it exists; a temporary one, removed by `close`, when not given. */
  readonly dir?: string;
  /** One per broker; free ones when not given. */
  readonly ports?: readonly number[];
  /** Gives each broker a second client listener, advertised under a port that a TCP proxy of the caller listens on. */
  readonly proxied?: boolean;
  /**
   * Where each broker keeps its data, e.g. on a disk of its own; below `dir` where undefined. Among several directories
   * of one broker, partitions are spread; it ends when all of them have failed. Never removed by `close`.
   */
  readonly dataDirs?: readonly (string | readonly string[] | undefined)[];
  /** Settings of every server by Kafka's names; they win over those of the local cluster. */
  readonly settings?: ServerSettings;
  /** More listeners of each broker, on ports of their own. */
  readonly listeners?: readonly ListenerWish[];
  /** Users that a new cluster knows from its beginning. */
  readonly scramUsers?: readonly ScramUser[];
  readonly onLog?: OnLog;
  /** Gives up a start that is under way; what was started by then is ended. Does nothing afterwards. */
  readonly signal?: AbortSignal;
  /** Called when a broker ends without having been asked to. */
  readonly onUnexpectedEnd?: (error: LocalServerError) => void;
}

/** A running cluster of real Kafka brokers on 127.0.0.1. */
export interface LocalKafka {
  /** `127.0.0.1:port` of every broker. */
  readonly bootstrap: string[];
  /** `127.0.0.1:advertisedPort` of every broker, where the proxies listen; empty unless started with `proxied`. */
  readonly proxiedBootstrap: string[];
  /** `127.0.0.1:port` of every broker by the names of `listeners`. */
  readonly listenerBootstrap: ReadonlyMap<string, string[]>;
  readonly brokers: readonly LocalBroker[];
  readonly dir: string;
  /** Ends all brokers; removes the directory if it is temporary. */
  close(): Promise<void>;
}

/** How often a start is tried with other ports, when free ones were taken by somebody before the broker had them. */
const PORT_ATTEMPTS = 3;

/**
 * Starts Apache Kafka in KRaft mode from its published jars: one combined broker and controller, or three with a quorum.
 * Ready means that every broker serves requests and sees all others.
 *
 * @throws {LocalServerError} saying what is missing, taken or broken, and what to do
 */
export async function startKafka(options: KafkaOptions): Promise<LocalKafka> {
  for (const port of options.ports ?? []) {
    await assertPortFree(port, 'a Kafka broker');
  }
  const [java, jars] = await Promise.all([findJava(), fetchServerJars(options.onLog, options.signal)]);
  const classPath = jars.kafkaClassPath;
  await makeClassArchive(java, classPath, options.onLog, options.signal);
  const javaFlags = classArchiveFlags(await classArchivePath(java, classPath));
  const directory = await openKafkaDirectory(options.dir, options.brokers);
  const brokerOptions = {
    java,
    classPath,
    javaFlags,
    clusterSize: options.brokers,
    temporaryDir: directory.temporary ? directory.path : undefined,
    onUnexpectedEnd: options.onUnexpectedEnd ?? (() => undefined),
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await startCluster(directory, brokerOptions, options);
    } catch (error) {
      const again = options.ports === undefined && attempt < PORT_ATTEMPTS && isPortTaken(error);
      if (!again) {
        await removeIfTemporary(directory);
        throw error;
      }
    }
  }
}

async function startCluster(
  directory: KafkaDirectory,
  brokerOptions: Omit<BrokerOptions, 'signal'>,
  options: KafkaOptions,
): Promise<LocalKafka> {
  const nodes = await planNodes(directory.path, options);
  const started = performance.now();
  options.onLog?.(`starting ${options.brokers === 1 ? 'a Kafka broker' : `${options.brokers} Kafka brokers`}`);
  await Promise.all(
    nodes.map((node) => prepareNode(node, nodes, directory.clusterId, options.settings, options.scramUsers)),
  );
  options.signal?.throwIfAborted();
  const all = nodes.map((node) => node.nodeId);
  const brokers = await startAll(
    nodes.map((node) => (signal) => startBroker(node, { ...brokerOptions, signal }, all)),
    (broker) => broker.kill(),
    options.signal,
  );
  const processes = brokers.map((broker) => broker.pid).join(', ');
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  options.onLog?.(`Kafka is ready after ${seconds} s, process ${processes}, logs in ${directory.path}`);
  return {
    bootstrap: nodes.map((node) => `127.0.0.1:${node.port}`),
    proxiedBootstrap: nodes.flatMap(({ proxied }) =>
      proxied === undefined ? [] : [`127.0.0.1:${proxied.advertisedPort}`],
    ),
    listenerBootstrap: new Map(
      (options.listeners ?? []).map(({ name }) => [name, nodes.flatMap((node) => addressesOf(node, name))]),
    ),
    brokers,
    dir: directory.path,
    close: async () => {
      // What nobody will read again need not be closed in order, which takes seconds.
      await Promise.all(brokers.map((broker) => (directory.temporary ? broker.kill() : broker.stop())));
      await removeIfTemporary(directory);
    },
  };
}

async function planNodes(dir: string, options: KafkaOptions): Promise<KafkaNode[]> {
  const wishes = options.listeners ?? [];
  const free = await freePorts(options.brokers * (4 + wishes.length));
  const takePorts = (): number[] => free.splice(0, options.brokers);
  const [ports, controllerPorts, listenPorts, advertisedPorts] = [
    options.ports ?? takePorts(),
    takePorts(),
    takePorts(),
    takePorts(),
  ];
  if (ports.length !== options.brokers) {
    throw new RangeError(`${options.brokers} brokers need as many ports, given: ${ports.join(', ')}`);
  }
  const listenersOfNodes = ports.map((): NodeListener[] =>
    wishes.map((wish) => ({ ...wish, port: free.shift() as number })),
  );
  return ports.map((port, index) => {
    const nodeId = index + 1;
    const ownDir = join(dir, `broker-${nodeId}`);
    return {
      nodeId,
      port,
      controllerPort: controllerPorts[index] as number,
      proxied:
        options.proxied === true
          ? { listenPort: listenPorts[index] as number, advertisedPort: advertisedPorts[index] as number }
          : undefined,
      listeners: listenersOfNodes[index] ?? [],
      dir: ownDir,
      dataDirs: [options.dataDirs?.[index] ?? join(ownDir, 'data')].flat(),
    };
  });
}

const addressesOf = ({ listeners = [] }: KafkaNode, name: string): string[] =>
  listeners.flatMap((listener) => (listener.name === name ? [`127.0.0.1:${listener.port}`] : []));

async function removeIfTemporary(directory: KafkaDirectory): Promise<void> {
  if (directory.temporary) {
    await rm(directory.path, { recursive: true, force: true });
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof LocalServerError && error.code === 'port_taken';
}
