import type { Admission } from './core/limits/admission.ts';
import type { Producer } from './kafka/producer.ts';
import type { MqttServer } from './mqtt/server.ts';
import type { ReadGauge } from './observability/observability.ts';
import type { Spool } from './spool/spool.ts';
import type { SpooledSink } from './spool/spooled-sink.ts';

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

/** Figures that the spool keeps, read when `/metrics` is asked for. */
export const spoolGauges = (spool: Spool, sink: SpooledSink): ReadGauge[] => [
  { name: 'edge_spool_records', help: 'Records in the spool.', read: () => spool.depth().records },
  { name: 'edge_spool_batches', help: 'Batches in the spool.', read: () => spool.depth().batches },
  { name: 'edge_spool_bytes', help: 'Bytes of segment files.', read: () => spool.depth().bytes },
  { name: 'edge_spool_age_seconds', help: 'Age of the oldest batch.', read: () => spool.depth().ageMs / 1000 },
  {
    name: 'edge_spool_recovered_records',
    help: 'Records that were in the spool when it was opened.',
    read: () => spool.ledger.recoveredRecords,
  },
  {
    name: 'edge_spool_appended_records',
    help: 'Records put into the spool since then: recovered + appended = settled + damaged + in the spool.',
    read: () => spool.ledger.appendedRecords,
  },
  {
    name: 'edge_spool_damaged_records',
    help: 'Records that were in the spool and could not be read any more.',
    read: () => spool.ledger.damagedRecords,
  },
  {
    name: 'edge_spool_kept_files',
    help: 'Files that are kept as damaged; only the operator removes them.',
    read: () => spool.kept.files,
  },
  { name: 'edge_spool_kept_bytes', help: 'Their bytes.', read: () => spool.kept.bytes },
  {
    name: 'edge_spool_waiting_records',
    help: 'Records whose fsync is awaited.',
    read: () => spool.waitingRecords,
  },
  {
    name: 'edge_spool_replay_in_flight_records',
    help: 'Records of the spool that Kafka has not acknowledged yet.',
    read: () => sink.inFlight,
  },
];

/** Figures that the MQTT edge keeps. */
export const mqttGauges = (mqtt: MqttServer): ReadGauge[] => [
  { name: 'edge_mqtt_sessions', help: 'Sessions, connected or away.', read: () => mqtt.sessions },
  { name: 'edge_mqtt_sessions_away', help: 'Sessions without a connection.', read: () => mqtt.sessionsAway },
  { name: 'edge_mqtt_sockets', help: 'Sockets, also before CONNECT and while closing.', read: () => mqtt.sockets },
  { name: 'edge_tls_handshakes_pending', help: 'TLS handshakes under way.', read: () => mqtt.handshakes },
  {
    name: 'edge_tls_handshakes_waiting',
    help: 'Accepted sockets whose TLS handshake waits for its turn.',
    read: () => mqtt.handshakesWaiting,
  },
  {
    name: 'edge_limits_connections_slowed',
    help: 'Connections that are not read as their devices have sent more than they may.',
    read: () => mqtt.slowedConnections,
  },
  {
    name: 'edge_limits_fleet_held',
    help: '1: nobody is read, as all devices together have sent more than they may.',
    read: () => (mqtt.isFleetHeld ? 1 : 0),
  },
  {
    name: 'edge_websocket_upgrades_pending',
    help: 'HTTP requests under way that may become WebSockets.',
    read: () => mqtt.upgrades,
  },
  {
    name: 'edge_proxy_headers_pending',
    help: 'Connections of load balancers whose header is waited for.',
    read: () => mqtt.proxyHeaders,
  },
  { name: 'edge_mqtt_wills_pending', help: 'Wills that wait for their delay.', read: () => mqtt.pendingWills },
  {
    name: 'edge_mqtt_partial_bytes',
    help: 'Bytes of packets that are still arriving.',
    read: () => mqtt.partialBytes,
  },
];

/** Who is remembered, and banned. */
export const admissionGauges = (admission: Admission): ReadGauge[] => [
  {
    name: 'edge_limits_addresses',
    help: 'Addresses that are connected or remembered.',
    read: () => admission.peers,
  },
  {
    name: 'edge_limits_addresses_banned',
    help: 'Addresses that are banned at present.',
    read: () => admission.bans.addresses,
  },
  {
    name: 'edge_limits_logins_banned',
    help: 'Pairs of address and name that are banned at present.',
    read: () => admission.bans.logins,
  },
];
