import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { visibleBrokers } from './kafka-ready.ts';
import { brokerFlags, type KafkaNode, type ProxiedPorts } from './kafka-settings.ts';
import { assertPortFree, portTaken } from './ports.ts';
import { LocalServerError } from './progress.ts';
import { type ServerProcess, spawnServer, untilReady } from './server-process.ts';

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
   * Starts it again on the same port and data, and waits until it serves requests. Without a majority of controllers no
   * broker becomes ready: start the brokers of a fully stopped cluster together, with `Promise.all`.
   */
  start(): Promise<void>;
}

export interface BrokerOptions {
  readonly java: string;
  readonly classPath: string;
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
  let server = await launch(node, options, waitForBrokers);
  return {
    nodeId: node.nodeId,
    port: node.port,
    proxied: node.proxied,
    get pid() {
      return server.pid;
    },
    isRunning: () => server.isRunning(),
    stop: async () => {
      await server.stop(STOP_DEADLINE_MS);
    },
    kill: async () => {
      await server.kill();
    },
    pause: () => server.signal('SIGSTOP'),
    resume: () => server.signal('SIGCONT'),
    start: async () => {
      if (!server.isRunning()) {
        server = await launch(node, options, [node.nodeId]);
      }
    },
  };
}

async function launch(
  node: KafkaNode,
  options: BrokerOptions,
  waitForBrokers: readonly number[],
): Promise<ServerProcess> {
  const name = `Kafka broker ${node.nodeId}`;
  const consoleLog = join(node.dir, 'broker.log');
  await assertPortFree(node.port, name);
  if (node.proxied !== undefined) {
    await assertPortFree(node.proxied.listenPort, `the proxied listener of ${name}`);
  }
  await assertPortFree(node.controllerPort, `the controller of ${name}`);
  let ready = false;
  const server = await spawnServer({
    name,
    command: options.java,
    args: [
      ...brokerFlags(options.clusterSize),
      '-cp',
      options.classPath,
      'kafka.Kafka',
      join(node.dir, 'server.properties'),
    ],
    workDir: node.dir,
    consoleLog,
    temporaryDir: options.temporaryDir,
    // Until it is ready, its end is reported by the wait below.
    onUnexpectedEnd: (error) => {
      if (ready) {
        options.onUnexpectedEnd(error);
      }
    },
  });
  const serves = async (): Promise<boolean> => {
    const visible = await visibleBrokers(`127.0.0.1:${node.port}`);
    return waitForBrokers.every((nodeId) => visible.includes(nodeId));
  };
  try {
    await untilReady(server, serves, { name, consoleLog, deadlineMs: READY_DEADLINE_MS, signal: options.signal });
    ready = true;
    return server;
  } catch (error) {
    await server.kill();
    throw await asPortTaken(error, node, consoleLog);
  }
}

/** Somebody may take a port between the look at it and the broker's own bind. */
async function asPortTaken(error: unknown, node: KafkaNode, consoleLog: string): Promise<unknown> {
  if (error instanceof LocalServerError && error.code === 'server_died') {
    const log = await readFile(consoleLog, 'utf8').catch(() => '');
    if (log.slice(-20_000).includes('Address already in use')) {
      return portTaken(node.port, `Kafka broker ${node.nodeId} (or ${node.controllerPort}, for its controller)`);
    }
  }
  return error;
}
