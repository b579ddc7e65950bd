import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { visibleBrokers } from './kafka-ready.ts';
import { brokerFlags, type KafkaNode, type ProxiedPorts } from './kafka-settings.ts';
import { assertPortFree, portTaken } from './ports.ts';
import { LocalServerError } from './progress.ts';
import { type ProcessEnd, type ServerProcess, spawnServer, untilReady } from './server-process.ts';

/** A broker (and controller) of a local cluster, and what may be done to it. */
export interface LocalBroker {
  readonly nodeId: number;
  readonly port: number;
  /** The listener for clients behind a proxy; undefined unless the cluster was started with `proxied`. */
  readonly proxied: ProxiedPorts | undefined;
  /** The process id of the running process, or of the last one. */
  readonly pid: number;
  /** False after `stop`, `kill` or an end of its own, e.g. for want of disk space; true while it is paused. */
  isRunning(): boolean;
  /** SIGTERM: moves leaders away and closes the logs; SIGKILL after 20 s. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: the process hangs, its connections stay open. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /**
   * Starts it again on the same port and data, and waits until it serves requests; does nothing when it runs, and waits
   * for its end first when it is on its way down. Rejects when it is ended before it is ready. Without a majority of
   * controllers no broker becomes ready: start the brokers of a fully stopped cluster together, with `Promise.all`.
   */
  start(): Promise<void>;
}

export interface BrokerOptions {
  readonly java: string;
  readonly classPath: string;
  /** Flags of the Java machine beside those of every local broker. */
  readonly javaFlags: readonly string[];
  readonly clusterSize: number;
  /** The cluster's directory, if it was made for one run. */
  readonly temporaryDir: string | undefined;
  /** Gives up the first start. */
  readonly signal: AbortSignal | undefined;
  readonly onUnexpectedEnd: (error: LocalServerError) => void;
}

const READY_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 20_000;

/** Starts the process of one node whose directory is prepared, and waits until it lists at least `waitForBrokers`. */
export async function startBroker(
  node: KafkaNode,
  options: BrokerOptions,
  waitForBrokers: readonly number[],
): Promise<LocalBroker> {
  let broker = await launch(node, options);
  await untilServing(broker, node, waitForBrokers, options.signal);
  let starting: Promise<void> | undefined;
  let ending: Promise<unknown> = Promise.resolve();

  const startAgain = async (): Promise<void> => {
    await ending;
    if (!broker.server.isRunning()) {
      // Known from its first moment, so that `kill` and `stop` reach a broker that is not ready yet.
      broker = await launch(node, options);
      await untilServing(broker, node, [node.nodeId], undefined);
    }
  };
  const end = async (ended: Promise<ProcessEnd>): Promise<void> => {
    ending = ended;
    await ended;
  };
  return {
    nodeId: node.nodeId,
    port: node.port,
    proxied: node.proxied,
    get pid() {
      return broker.server.pid;
    },
    isRunning: () => broker.server.isRunning(),
    stop: () => end(broker.server.stop(STOP_DEADLINE_MS)),
    kill: () => end(broker.server.kill()),
    pause: () => broker.server.signal('SIGSTOP'),
    resume: () => broker.server.signal('SIGCONT'),
    start: () => {
      starting ??= startAgain().finally(() => {
        starting = undefined;
      });
      return starting;
    },
  };
}

/** The process of a broker; until it serves, its end is reported by {@link untilServing}, later as unexpected. */
interface BrokerProcess {
  readonly server: ServerProcess;
  readonly consoleLog: string;
  serves: boolean;
}

async function launch(node: KafkaNode, options: BrokerOptions): Promise<BrokerProcess> {
  const name = nameOf(node);
  const consoleLog = join(node.dir, 'broker.log');
  await assertPortFree(node.port, name);
  await assertPortFree(node.controllerPort, `the controller of ${name}`);
  if (node.proxied !== undefined) {
    await assertPortFree(node.proxied.listenPort, `the proxied listener of ${name}`);
  }
  const settingsFile = join(node.dir, 'server.properties');
  const server = await spawnServer({
    name,
    command: options.java,
    args: [
      ...options.javaFlags,
      ...brokerFlags(options.clusterSize),
      '-cp',
      options.classPath,
      'kafka.Kafka',
      settingsFile,
    ],
    workDir: node.dir,
    consoleLog,
    temporaryDir: options.temporaryDir,
    onUnexpectedEnd: (error) => {
      if (broker.serves) {
        options.onUnexpectedEnd(error);
      }
    },
  });
  const broker: BrokerProcess = { server, consoleLog, serves: false };
  return broker;
}

async function untilServing(
  broker: BrokerProcess,
  node: KafkaNode,
  waitForBrokers: readonly number[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { server, consoleLog } = broker;
  const serves = async (): Promise<boolean> => {
    const visible = await visibleBrokers(`127.0.0.1:${node.port}`);
    return waitForBrokers.every((nodeId) => visible.includes(nodeId));
  };
  try {
    await untilReady(server, serves, { name: nameOf(node), consoleLog, deadlineMs: READY_DEADLINE_MS, signal });
    broker.serves = true;
  } catch (error) {
    await server.kill();
    throw await asPortTaken(error, node, consoleLog);
  }
}

function nameOf(node: KafkaNode): string {
  return `Kafka broker ${node.nodeId}`;
}

/** Somebody may take a port between the look at it and the broker's own bind. */
async function asPortTaken(error: unknown, node: KafkaNode, consoleLog: string): Promise<unknown> {
  if (error instanceof LocalServerError && error.code === 'server_died') {
    const log = await readFile(consoleLog, 'utf8').catch(() => '');
    if (log.slice(-20_000).includes('Address already in use')) {
      return portTaken(node.port, `${nameOf(node)} (or ${node.controllerPort}, for its controller)`);
    }
  }
  return error;
}
