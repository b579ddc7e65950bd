import { describe, expect, it } from 'vitest';
import { Observability } from '../../../gateway/observability/observability.ts';
import { Captured } from './captured.ts';

const stranger = { listener: 'l', remoteAddress: '127.0.0.1', version: undefined, clientId: '', deviceId: '' };
const device = { ...stranger, version: 4, clientId: 'c', deviceId: 'd' } as const;

describe('events of the MQTT edge', () => {
  it('count open connections, not those that were refused', async () => {
    const captured = new Captured();
    const { mqtt } = captured.observability;
    mqtt.socketAccepted('l');
    mqtt.connectionOpened(device, false);
    mqtt.connectionOpened({ ...device, version: 5 }, true);
    mqtt.connectionClosed(stranger, 'connect_timeout');
    mqtt.connectionClosed(device, 'network');
    const metrics = await captured.metrics();
    expect(metrics.get('edge_mqtt_connections')).toBe(1);
    expect(metrics.get('edge_mqtt_connections_opened_total{version="3.1.1"}')).toBe(1);
    expect(metrics.get('edge_mqtt_connections_opened_total{version="5.0"}')).toBe(1);
    expect(metrics.get('edge_mqtt_connections_closed_total{reason="network"}')).toBe(1);
    expect(metrics.get('edge_mqtt_sockets_accepted_total{listener="l"}')).toBe(1);
  });

  it('count publishes, answers and absorbed resends by QoS', async () => {
    const captured = new Captured();
    const { mqtt } = captured.observability;
    for (const qos of [0, 1, 1, 2] as const) mqtt.publishReceived(qos);
    mqtt.publishAnswered(1, 'success');
    mqtt.publishAnswered(2, 'topicNameInvalid');
    mqtt.resendAbsorbed(2);
    const metrics = await captured.metrics();
    expect([0, 1, 2].map((qos) => metrics.get(`edge_mqtt_publishes_received_total{qos="${qos}"}`))).toEqual([1, 2, 1]);
    expect(metrics.get('edge_mqtt_publishes_answered_total{qos="1",reason="success"}')).toBe(1);
    expect(metrics.get('edge_mqtt_publishes_answered_total{qos="2",reason="topicNameInvalid"}')).toBe(1);
    expect(metrics.get('edge_mqtt_resends_absorbed_total{qos="2"}')).toBe(1);
  });

  it('count how often the fleet was held, which is no pressure', async () => {
    const captured = new Captured();
    const { limits } = captured.observability;
    for (const isSpent of [true, false, true, false]) limits.fleetRate(isSpent);
    const metrics = await captured.metrics();
    expect(metrics.get('edge_limits_fleet_held_total')).toBe(2);
    expect(metrics.get('edge_pressure_changes_total')).toBe(0);
  });

  it('tell a registry that is overloaded from one that is away, and count what was verified of banned logins', async () => {
    const captured = new Captured();
    const { identity } = captured.observability;
    identity.registryFailed('registry_overloaded', 'too many');
    identity.registryFailed('registry_overloaded', 'too many');
    identity.registryFailed('registry_timeout', 'no answer');
    identity.refused('server_busy', 'l', 'd');
    identity.bannedVerified('wrong');
    const metrics = await captured.metrics();
    expect(metrics.get('edge_identity_registry_failures_total{code="registry_overloaded"}')).toBe(2);
    expect(metrics.get('edge_identity_registry_failures_total{code="registry_timeout"}')).toBe(1);
    expect(metrics.get('edge_identity_refused_total{refusal="server_busy"}')).toBe(1);
    expect(metrics.get('edge_identity_banned_verified_total{verdict="wrong"}')).toBe(1);
    expect(metrics.get('edge_identity_banned_verified_total{verdict="right"}')).toBe(0);
  });

  it('show how many connections are paused', async () => {
    const captured = new Captured();
    const { mqtt } = captured.observability;
    mqtt.connectionPaused();
    mqtt.connectionPaused();
    mqtt.connectionResumed();
    expect(await captured.total('edge_mqtt_connections_paused')).toBe(1);
    expect(await captured.total('edge_mqtt_pauses_total')).toBe(2);
  });

  it('write what an operator may have to act on, with clipped texts of strangers', () => {
    const captured = new Captured('info');
    const { mqtt } = captured.observability;
    mqtt.subscriptionRefused(device, '#'.repeat(60_000));
    mqtt.internalError(undefined, new Error('defect'));
    mqtt.sessionEvicted();
    expect(captured.lines.map(({ level, event }) => [level, event])).toEqual([
      ['info', 'mqtt_subscription_refused'],
      ['error', 'mqtt_internal_error'],
      ['warn', 'mqtt_session_evicted'],
    ]);
    expect(JSON.stringify(captured.lines[0]).length).toBeLessThan(600);
  });
});

describe('events of the Kafka edge', () => {
  it('count batches, records, bytes and duplicates', async () => {
    const captured = new Captured();
    const { kafka } = captured.observability;
    kafka.batchSealed('t', 10, 1000, 100);
    kafka.batchDelivered('t', 10, false, 7);
    kafka.batchDelivered('t', 5, true, 9);
    kafka.requestEnded(1, 2, 200, 3, undefined);
    const metrics = await captured.metrics();
    expect(metrics.get('edge_kafka_records_delivered_total{topic="t"}')).toBe(15);
    expect(metrics.get('edge_kafka_batches_delivered_total{topic="t"}')).toBe(2);
    expect(metrics.get('edge_kafka_duplicate_records_total')).toBe(5);
    expect(metrics.get('edge_kafka_batch_raw_bytes_total')).toBe(1000);
    expect(metrics.get('edge_kafka_request_seconds_count')).toBe(1);
    expect(metrics.get('edge_kafka_batch_age_seconds_sum')).toBeCloseTo(0.016);
  });

  it('write a line when the cluster changes, none for each refresh', () => {
    const captured = new Captured();
    const { kafka } = captured.observability;
    kafka.metadataRefreshed(3, 12, 0);
    kafka.metadataRefreshed(3, 12, 0);
    kafka.metadataRefreshed(3, 12, 4);
    expect(captured.lines.map(({ level, partitionsWithoutLeader }) => [level, partitionsWithoutLeader])).toEqual([
      ['info', 0],
      ['warn', 4],
    ]);
  });

  it('are bounded in lines while a cluster is down, and counted all the same', async () => {
    const captured = new Captured();
    const { kafka } = captured.observability;
    for (let i = 0; i < 500; i++) kafka.batchRetried('t', i % 12, 'retry', 'NOT_ENOUGH_REPLICAS', i);
    expect(captured.lines).toHaveLength(20);
    expect((await captured.metrics()).get('edge_kafka_batch_retries_total{answer="retry"}')).toBe(500);
  });

  it('show the pressure', async () => {
    const captured = new Captured();
    captured.observability.kafka.pressureChanged(2, 1, 1);
    expect(await captured.total('edge_pressure')).toBe(2);
    captured.observability.kafka.pressureChanged(0, 1, 1);
    expect(await captured.total('edge_pressure')).toBe(0);
  });
});

describe('events of the identity edge', () => {
  it('are counted by how they ended', async () => {
    const captured = new Captured();
    const { identity } = captured.observability;
    identity.authenticated('cached');
    identity.refused('server_busy', 'l', 'd');
    identity.registryFailed('registry_busy', 'database is locked');
    const metrics = await captured.metrics();
    expect(metrics.get('edge_identity_authenticated_total{verification="cached"}')).toBe(1);
    expect(metrics.get('edge_identity_authenticated_total{verification="hashed"}')).toBe(0);
    expect(metrics.get('edge_identity_refused_total{refusal="server_busy"}')).toBe(1);
    expect(metrics.get('edge_identity_registry_failures_total{code="registry_busy"}')).toBe(1);
    expect(captured.lines.map(({ event }) => event)).toEqual(['identity_refused', 'identity_registry_failed']);
  });
});

describe('metrics', () => {
  it('hold the figures of the process and those that others keep', async () => {
    let unsettled = 0;
    const observability = new Observability({ level: 'silent' });
    observability.watch({ name: 'edge_unsettled_records', help: 'Records without an answer.', read: () => unsettled });
    unsettled = 3;
    const text = await observability.metricsText();
    expect(text).toMatch(/^edge_unsettled_records 3$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    expect(text).toMatch(/^process_resident_memory_bytes /m);
  });

  it('do not mix between two gateways of one process', async () => {
    const [one, other] = [new Captured(), new Captured()];
    one.observability.mqtt.willPublished();
    expect(await one.total('edge_mqtt_wills_published_total')).toBe(1);
    expect(await other.total('edge_mqtt_wills_published_total')).toBe(0);
  });
});
