import { setTimeout as delay } from 'node:timers/promises';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers';
import { visibleBrokers } from './kafka-ready.ts';
import { freePort } from './ports.ts';
import type { OnLog } from './progress.ts';
import { waitFor } from './wait-for.ts';

/** The same releases as in pom.xml and compose.yaml; a test holds them together. */
export const KAFKA_IMAGE = 'apache/kafka:4.3.1';
export const REGISTRY_IMAGE = 'apicurio/apicurio-registry-mem:2.6.13.Final';

const ENGINE_DEADLINE_MS = 5_000;
const START_DEADLINE_MS = 180_000;

/** Addresses of servers that run in containers. */
export interface ServerContainers {
  readonly bootstrap: string[];
  readonly registryUrl: string;
  close(): Promise<void>;
}

/** The host under which published ports of the container engine are reached; undefined when no engine answers. */
export async function containerHost(): Promise<string | undefined> {
  // An engine that hangs counts as none.
  const late = delay(ENGINE_DEADLINE_MS, undefined, { ref: false });
  try {
    const client = await Promise.race([getContainerRuntimeClient(), late]);
    return client?.info.containerRuntime.host;
  } catch {
    return undefined;
  }
}

/**
 * Starts one Kafka broker and a schema registry in containers.
 *
 * @param host what {@link containerHost} answered
 */
export async function startContainers(host: string, onLog: OnLog): Promise<ServerContainers> {
  onLog(`starting ${KAFKA_IMAGE} and ${REGISTRY_IMAGE}`);
  const outcomes = await Promise.allSettled([startKafkaContainer(host), startRegistryContainer(host)]);
  const close = async (): Promise<void> => {
    const started = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.container] : []));
    await Promise.all(started.map((container) => container.stop({ timeout: 1000 })));
  };
  const [kafka, registry] = outcomes;
  if (kafka.status === 'rejected' || registry.status === 'rejected') {
    await close();
    throw kafka.status === 'rejected' ? kafka.reason : (registry as PromiseRejectedResult).reason;
  }
  return { bootstrap: [kafka.value.address], registryUrl: registry.value.url, close };
}

async function startKafkaContainer(host: string): Promise<{ address: string; container: StartedTestContainer }> {
  // The broker tells its clients its own address, so the published port is chosen before it starts.
  const port = await freePort();
  const address = `${host}:${port}`;
  const container = await new GenericContainer(KAFKA_IMAGE)
    .withEnvironment(kafkaEnvironment(address, port))
    .withExposedPorts({ container: port, host: port })
    .withStartupTimeout(START_DEADLINE_MS)
    .start();
  await waitFor(async () => (await visibleBrokers(address)).length === 1, {
    deadlineMs: START_DEADLINE_MS,
    everyMs: 200,
    what: `${KAFKA_IMAGE} to answer on ${address}`,
  });
  return { address, container };
}

/** As in `serverProperties` of a single local broker; the image takes settings as variables. */
function kafkaEnvironment(address: string, port: number): Record<string, string> {
  return {
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_LISTENERS: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://localhost:9093`,
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${address}`,
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    KAFKA_HEAP_OPTS: '-Xmx512m -Xms128m',
  };
}

async function startRegistryContainer(host: string): Promise<{ url: string; container: StartedTestContainer }> {
  const container = await new GenericContainer(REGISTRY_IMAGE)
    .withExposedPorts(8080)
    .withWaitStrategy(Wait.forHttp('/apis/ccompat/v7/subjects', 8080))
    .withStartupTimeout(START_DEADLINE_MS)
    .start();
  return { url: `http://${host}:${container.getMappedPort(8080)}/apis/ccompat/v7`, container };
}
