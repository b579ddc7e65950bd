import { join } from 'node:path';

/** One combined node, broker and controller, of a local cluster. */
export interface KafkaNode {
  readonly nodeId: number;
  readonly port: number;
  readonly controllerPort: number;
  /** Holds `server.properties`, `broker.log` and the formatted `data` directory. */
  readonly dir: string;
}

/** The settings file of one node; `nodes` are all of the cluster, they form the quorum. */
export function serverProperties(node: KafkaNode, nodes: readonly KafkaNode[]): string {
  const replicas = nodes.length;
  const minInSync = replicas === 1 ? 1 : 2;
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': node.nodeId,
    'controller.quorum.voters': nodes.map((voter) => `${voter.nodeId}@127.0.0.1:${voter.controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(node.dir, 'data'),

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
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return `${lines.join('\n')}\n`;
}

/** How the Java machine of a broker is run; `brokers` share the memory of one machine. */
export function brokerFlags(brokers: number): string[] {
  return [
    '-Xms128m',
    `-Xmx${brokers === 1 ? 512 : 400}m`,
    // One collector thread: on two cores the parallel ones take time from the programs under test.
    '-XX:+UseSerialGC',
    '-XX:-UsePerfData',
    '-XX:+ExitOnOutOfMemoryError',
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2-server.properties')}`,
  ];
}
