import { join } from 'node:path';

/** The ports of a listener that clients reach through a TCP proxy. */
export interface ProxiedPorts {
  /** The broker listens here; a proxy forwards to it. */
  readonly listenPort: number;
  /** The broker tells its clients to connect here; the proxy has to listen on it. */
  readonly advertisedPort: number;
}

/** A client listener beside the plaintext one: to be given certificates and users by settings `listener.name.<name>.…`. */
export interface ListenerWish {
  /** In capitals; in the names of settings in lower case. */
  readonly name: string;
  readonly protocol: 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT';
}

export interface NodeListener extends ListenerWish {
  readonly port: number;
}

/** Settings of a server by Kafka's own names. */
export type ServerSettings = Readonly<Record<string, string | number | boolean>>;

/** One combined node, broker and controller, of a local cluster. */
export interface KafkaNode {
  readonly nodeId: number;
  readonly port: number;
  readonly controllerPort: number;
  /** A listener of its own for clients behind a proxy, if any. */
  readonly proxied: ProxiedPorts | undefined;
  /** More listeners for clients. */
  readonly listeners?: readonly NodeListener[];
  /** Holds `server.properties` and `broker.log`. */
  readonly dir: string;
  /** The formatted log directories; the first one holds the controller's log, too. */
  readonly dataDirs: readonly string[];
}

/**
 * The settings file of one node.
 *
 * @param nodes all of the cluster; they form the quorum
 * @param extra wins over the settings of a local cluster
 */
export function serverProperties(node: KafkaNode, nodes: readonly KafkaNode[], extra: ServerSettings = {}): string {
  const replicas = nodes.length;
  const minInSync = replicas === 1 ? 1 : 2;
  const settings: ServerSettings = {
    'process.roles': 'broker,controller',
    'node.id': node.nodeId,
    'controller.quorum.voters': nodes.map((voter) => `${voter.nodeId}@127.0.0.1:${voter.controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    ...listenerSettings(node),
    'log.dirs': node.dataDirs.join(','),

    // As in production: topics are made on purpose, and a write counts when two replicas have it.
    'auto.create.topics.enable': false,
    'num.partitions': 1,
    'default.replication.factor': replicas,
    'min.insync.replicas': minInSync,
    'unclean.leader.election.enable': false,

    // The internal topics fit the number of brokers; few partitions, because each costs files and start-up time.
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minInSync,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': minInSync,
    'share.coordinator.state.topic.num.partitions': 4,

    // A group of one consumer need not wait for others; a dead broker is noticed sooner than the default 9 s.
    'group.initial.rebalance.delay.ms': 0,
    'broker.heartbeat.interval.ms': 1000,
    'broker.session.timeout.ms': 6000,

    // Small: several of these share one machine with everything else.
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'num.recovery.threads.per.data.dir': 1,
    'log.cleaner.dedupe.buffer.size': 4 * 1024 * 1024,
    'log.index.size.max.bytes': 1024 * 1024,
    'socket.request.max.bytes': 64 * 1024 * 1024,
    ...extra,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return `${lines.join('\n')}\n`;
}

/** Brokers and direct clients meet on PLAINTEXT; only clients behind a proxy use PROXIED, so that faults hit them alone. */
function listenerSettings(node: KafkaNode): ServerSettings {
  const listeners = [`PLAINTEXT://127.0.0.1:${node.port}`];
  const advertised = [...listeners];
  if (node.proxied !== undefined) {
    listeners.push(`PROXIED://127.0.0.1:${node.proxied.listenPort}`);
    advertised.push(`PROXIED://127.0.0.1:${node.proxied.advertisedPort}`);
  }
  const protocols = ['PLAINTEXT:PLAINTEXT', 'PROXIED:PLAINTEXT', 'CONTROLLER:PLAINTEXT'];
  for (const { name, protocol, port } of node.listeners ?? []) {
    listeners.push(`${name}://127.0.0.1:${port}`);
    advertised.push(`${name}://127.0.0.1:${port}`);
    protocols.push(`${name}:${protocol}`);
  }
  listeners.push(`CONTROLLER://127.0.0.1:${node.controllerPort}`);
  return {
    listeners: listeners.join(','),
    'advertised.listeners': advertised.join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': protocols.join(','),
  };
}

/** How the Java machine of a broker is run; `brokers` share the memory of one machine. */
export function brokerFlags(brokers: number): string[] {
  const heapMb = brokers === 1 ? 512 : 400;
  return [
    // All of it from the start and half of it for what is new. A heap that grows from 128 MB kept little room for new
    // objects: much of what was only under way moved to the old half, and cleaning that up stopped a busy broker for
    // 100 ms about once a minute.
    `-Xms${heapMb}m`,
    `-Xmx${heapMb}m`,
    `-Xmn${heapMb / 2}m`,
    // One collector thread: on two cores the parallel ones take time from the programs under test.
    '-XX:+UseSerialGC',
    '-XX:-UsePerfData',
    '-XX:+ExitOnOutOfMemoryError',
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2-server.properties')}`,
  ];
}
