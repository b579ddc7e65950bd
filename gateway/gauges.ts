import type { Producer } from './kafka/producer.ts';
import type { MqttServer } from './mqtt/server.ts';
import type { ReadGauge } from './observability/observability.ts';

/** Figures that the producer keeps, read when `/metrics` is asked for. */
export const producerGauges = (producer: Producer): ReadGauge[] => [
  {
    name: 'edge_unsettled_records',
    help: 'Records that Kafka has not acknowledged yet.',
    read: () => producer.stats().unsettledRecords,
  },
  {
    name: 'edge_unsettled_bytes',
    help: 'Bytes of records that Kafka has not acknowledged yet.',
    read: () => producer.stats().unsettledBytes,
  },
  {
    name: 'edge_oldest_unsettled_seconds',
    help: 'Age of the oldest record that Kafka has not acknowledged.',
    read: () => producer.stats().oldestUnsettledMs / 1000,
  },
  {
    name: 'edge_kafka_lanes_failing',
    help: 'Partitions whose first batch has failed and is to be sent again.',
    read: () => producer.stats().failingLanes,
  },
];

/** Figures that the MQTT edge keeps. */
export const mqttGauges = (mqtt: MqttServer): ReadGauge[] => [
  { name: 'edge_mqtt_sessions', help: 'Sessions, connected or away.', read: () => mqtt.sessions },
  { name: 'edge_mqtt_sessions_away', help: 'Sessions without a connection.', read: () => mqtt.sessionsAway },
  { name: 'edge_mqtt_sockets', help: 'Sockets, also before CONNECT and while closing.', read: () => mqtt.sockets },
  { name: 'edge_mqtt_wills_pending', help: 'Wills that wait for their delay.', read: () => mqtt.pendingWills },
  {
    name: 'edge_mqtt_partial_bytes',
    help: 'Bytes of packets that are still arriving.',
    read: () => mqtt.partialBytes,
  },
];
