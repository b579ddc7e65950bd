import { describe, expect, test } from 'vitest';
import { type KafkaNode, type ServerSettings, serverProperties } from '../../deploy/local/kafka-settings.ts';

const node = (nodeId: number): KafkaNode => ({
  nodeId,
  port: 9091 + nodeId,
  controllerPort: 19_091 + nodeId,
  proxied: undefined,
  dir: `/data/broker-${nodeId}`,
  dataDirs: [`/data/broker-${nodeId}/data`],
});

function settingsOf(nodes: KafkaNode[], extra: ServerSettings = {}): Map<string, string> {
  const lines = serverProperties(nodes[0] as KafkaNode, nodes, extra)
    .trim()
    .split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

describe('the settings of a local broker', () => {
  test('let one broker acknowledge alone', () => {
    const settings = settingsOf([node(1)]);
    expect(settings.get('min.insync.replicas')).toBe('1');
    expect(settings.get('offsets.topic.replication.factor')).toBe('1');
    expect(settings.get('controller.quorum.voters')).toBe('1@127.0.0.1:19092');
  });

  test('replicate three times among three, and ask for two in sync', () => {
    const settings = settingsOf([node(1), node(2), node(3)]);
    expect(settings.get('min.insync.replicas')).toBe('2');
    expect(settings.get('default.replication.factor')).toBe('3');
    expect(settings.get('transaction.state.log.replication.factor')).toBe('3');
    expect(settings.get('controller.quorum.voters')).toBe('1@127.0.0.1:19092,2@127.0.0.1:19093,3@127.0.0.1:19094');
  });

  test('name more listeners, each with its protocol and a port of its own', () => {
    const listeners = [{ name: 'LOGIN', protocol: 'SASL_SSL', port: 9192 }] as const;
    const settings = settingsOf([{ ...node(1), listeners }]);
    expect(settings.get('listeners')).toContain('PLAINTEXT://127.0.0.1:9092,LOGIN://127.0.0.1:9192,CONTROLLER://');
    expect(settings.get('advertised.listeners')).toContain('LOGIN://127.0.0.1:9192');
    expect(settings.get('listener.security.protocol.map')).toContain('LOGIN:SASL_SSL');
  });

  test('never create topics by accident, and listen on the loopback only', () => {
    const settings = settingsOf([node(1)]);
    expect(settings.get('auto.create.topics.enable')).toBe('false');
    expect(settings.get('listeners')).toBe('PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:19092');
    expect(settings.get('log.dirs')).toBe('/data/broker-1/data');
  });

  test('advertise the port of a proxy to clients that come through it, and to them alone', () => {
    const settings = settingsOf([{ ...node(1), proxied: { listenPort: 29_092, advertisedPort: 39_092 } }]);
    expect(settings.get('listeners')).toBe(
      'PLAINTEXT://127.0.0.1:9092,PROXIED://127.0.0.1:29092,CONTROLLER://127.0.0.1:19092',
    );
    expect(settings.get('advertised.listeners')).toBe('PLAINTEXT://127.0.0.1:9092,PROXIED://127.0.0.1:39092');
    expect(settings.get('inter.broker.listener.name')).toBe('PLAINTEXT');
  });

  test('spread data over several directories, and let the caller have the last word', () => {
    const settings = settingsOf([{ ...node(1), dataDirs: ['/a', '/b'] }], { 'num.io.threads': 9 });
    expect(settings.get('log.dirs')).toBe('/a,/b');
    expect(settings.get('num.io.threads')).toBe('9');
  });
});
