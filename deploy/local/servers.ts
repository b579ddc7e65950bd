import type { OnLog } from './progress.ts';
import { startTogether } from './start-together.ts';

/** Addresses of a running Kafka and schema registry. */
export interface Servers {
  readonly bootstrap: string[];
  /** Base address of the registry's Confluent REST API. */
  readonly registryUrl: string;
  /** Ends both, with all that they stored. */
  close(): Promise<void>;
}

export interface ServersOptions {
  /** `auto`: containers where a container engine answers, else processes on this machine. Three brokers are always processes. */
  readonly engine?: 'auto' | 'local';
  /** 1 by default. */
  readonly brokers?: 1 | 3;
  readonly onLog?: OnLog;
}

/**
 * Starts a Kafka and a schema registry for a demo, a test run or a benchmark, on free ports.
 *
 * @throws {LocalServerError} saying what is missing and how to get it
 */
export async function startServers(options: ServersOptions = {}): Promise<Servers> {
  const { engine = 'auto', brokers = 1, onLog = () => undefined } = options;
  if (engine === 'auto' && brokers === 1) {
    const servers = await tryContainers(onLog);
    if (servers !== undefined) {
      return servers;
    }
  }
  return startLocalServers(brokers, onLog);
}

async function startLocalServers(brokers: 1 | 3, onLog: OnLog): Promise<Servers> {
  const { kafka, registry } = await startTogether({ kafka: { brokers, onLog }, registry: { onLog } });
  const close = async (): Promise<void> => {
    await Promise.all([kafka.close(), registry.close()]);
  };
  return { bootstrap: kafka.bootstrap, registryUrl: registry.url, close };
}

/** Undefined where no engine answers, or where it cannot run the images, e.g. because it cannot fetch them. */
async function tryContainers(onLog: OnLog): Promise<Servers | undefined> {
  try {
    // Loaded only here: an installation without the development dependencies runs the local servers.
    const containers = await import('./containers.ts');
    const host = await containers.containerHost();
    return host === undefined ? undefined : await containers.startContainers(host, onLog);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    onLog(`containers cannot be used (${reason}); starting the servers as local processes`);
    return undefined;
  }
}
