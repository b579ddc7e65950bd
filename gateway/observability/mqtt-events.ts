import type { CloseReason, ConnectionFacts, MqttObserver } from '../mqtt/observer.ts';
import type { ReasonName } from '../mqtt/reason-codes.ts';
import { clip, errorFields, type Fields, type Log } from './log.ts';
import type { Metrics, Sample } from './metrics.ts';
import { Tally } from './tally.ts';

/**
 * Every event of the MQTT edge: its figure and, where somebody may have to act, its line. Whatever a stranger can cause
 * is limited in lines; ordinary comings and goings are written at level debug.
 */
export class MqttEvents implements MqttObserver {
  readonly #log: Log;
  readonly #socketsAccepted = new Tally<string>('listener');
  readonly #socketsRefused = new Tally<string>('listener');
  readonly #opened = new Tally<'3.1.1' | '5.0'>('version', ['3.1.1', '5.0']);
  readonly #closed = new Tally<CloseReason>('reason');
  readonly #refused = new Tally<ReasonName>('reason');
  readonly #violations = new Tally<ReasonName>('reason');
  readonly #received: [number, number, number] = [0, 0, 0];
  /** By QoS; success apart from the rest, because it is nearly all. */
  readonly #acknowledged: [number, number, number] = [0, 0, 0];
  readonly #answeredNegatively = [1, 2].map(() => new Tally<ReasonName>('reason')) as [
    Tally<ReasonName>,
    Tally<ReasonName>,
  ];
  readonly #resendsAbsorbed: [number, number, number] = [0, 0, 0];
  #open = 0;
  #paused = 0;
  #pauses = 0;
  #internalErrors = 0;
  #takenOver = 0;
  #expired = 0;
  #evicted = 0;
  #wills = 0;
  #willsWithdrawn = 0;
  #subscriptionsRefused = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#exportConnections(metrics);
    this.#exportPublishes(metrics);
    this.#exportSessions(metrics);
  }

  socketAccepted(listener: string): void {
    this.#socketsAccepted.add(listener);
  }

  socketRefused(listener: string): void {
    this.#socketsRefused.add(listener);
    this.#log.writeLimited('warn', 'mqtt_socket_refused', 'too many sockets', { listener });
  }

  connectionOpened(connection: ConnectionFacts, sessionPresent: boolean): void {
    this.#open += 1;
    this.#opened.add(connection.version === 5 ? '5.0' : '3.1.1');
    this.#log.writeLimited('debug', 'mqtt_connection_opened', 'connected', { ...facts(connection), sessionPresent });
  }

  connectRefused(connection: ConnectionFacts, reason: ReasonName, detail: string): void {
    this.#refused.add(reason);
    const fields = { ...facts(connection), reason, detail: clip(detail) };
    this.#log.writeLimited('warn', 'mqtt_connect_refused', 'a CONNECT was refused', fields);
  }

  connectionClosed(connection: ConnectionFacts, reason: CloseReason): void {
    // A connection has its device from the accepted CONNECT on; others were never counted as open.
    if (connection.deviceId !== '') this.#open -= 1;
    this.#closed.add(reason);
    this.#log.writeLimited('debug', 'mqtt_connection_closed', 'closed', { ...facts(connection), reason });
  }

  protocolViolation(connection: ConnectionFacts, reason: ReasonName, detail: string): void {
    this.#violations.add(reason);
    const fields = { ...facts(connection), reason, detail: clip(detail) };
    this.#log.writeLimited('warn', 'mqtt_protocol_violation', 'a client broke the standard', fields);
  }

  internalError(connection: ConnectionFacts | undefined, error: unknown): void {
    this.#internalErrors += 1;
    const fields = { ...(connection === undefined ? {} : facts(connection)), ...errorFields(error) };
    this.#log.writeLimited('error', 'mqtt_internal_error', 'a defect of the gateway ended a connection', fields);
  }

  publishReceived(qos: 0 | 1 | 2): void {
    this.#received[qos] += 1;
  }

  publishAnswered(qos: 1 | 2, reason: ReasonName): void {
    if (reason === 'success') this.#acknowledged[qos] += 1;
    else (this.#answeredNegatively[qos - 1] as Tally<ReasonName>).add(reason);
  }

  resendAbsorbed(qos: 1 | 2): void {
    this.#resendsAbsorbed[qos] += 1;
  }

  connectionPaused(): void {
    this.#paused += 1;
    this.#pauses += 1;
  }

  connectionResumed(): void {
    this.#paused -= 1;
  }

  sessionTakenOver(connection: ConnectionFacts): void {
    this.#takenOver += 1;
    this.#log.writeLimited(
      'info',
      'mqtt_session_taken_over',
      'a newer connection took the session over',
      facts(connection),
    );
  }

  sessionExpired(): void {
    this.#expired += 1;
  }

  sessionEvicted(): void {
    this.#evicted += 1;
    this.#log.writeLimited('warn', 'mqtt_session_evicted', 'a session was dropped before its time: mqtt.maxSessions');
  }

  willPublished(): void {
    this.#wills += 1;
  }

  willWithdrawn(): void {
    this.#willsWithdrawn += 1;
  }

  subscriptionRefused(connection: ConnectionFacts, filter: string): void {
    this.#subscriptionsRefused += 1;
    const fields = { ...facts(connection), filter: clip(filter) };
    this.#log.writeLimited('info', 'mqtt_subscription_refused', 'a subscription was refused', fields);
  }

  #exportConnections(metrics: Metrics): void {
    const byListener = ['listener'];
    metrics.counters('edge_mqtt_sockets_accepted_total', 'Sockets accepted.', byListener, () =>
      this.#socketsAccepted.samples(),
    );
    metrics.counters('edge_mqtt_sockets_refused_total', 'Sockets closed at accept: too many.', byListener, () =>
      this.#socketsRefused.samples(),
    );
    metrics.gauge('edge_mqtt_connections', 'Open connections.', () => this.#open);
    metrics.counters('edge_mqtt_connections_opened_total', 'Accepted CONNECTs, by version of MQTT.', ['version'], () =>
      this.#opened.samples(),
    );
    metrics.counters('edge_mqtt_connections_closed_total', 'Closed connections, by why.', ['reason'], () =>
      this.#closed.samples(),
    );
    metrics.counters('edge_mqtt_connects_refused_total', 'Refused CONNECTs, by reason.', ['reason'], () =>
      this.#refused.samples(),
    );
    metrics.counters('edge_mqtt_violations_total', 'Connections that broke the standard, by reason.', ['reason'], () =>
      this.#violations.samples(),
    );
    metrics.counter('edge_mqtt_internal_errors_total', 'Defects that ended a connection.', () => this.#internalErrors);
    metrics.gauge('edge_mqtt_connections_paused', 'Connections that are not read, under pressure.', () => this.#paused);
    metrics.counter('edge_mqtt_pauses_total', 'Times that a connection was paused.', () => this.#pauses);
  }

  #exportPublishes(metrics: Metrics): void {
    metrics.counters('edge_mqtt_publishes_received_total', 'PUBLISH packets taken, by QoS.', ['qos'], () =>
      byQos(this.#received, 0),
    );
    metrics.counters(
      'edge_mqtt_publishes_answered_total',
      'PUBACK and PUBREC sent, by QoS and reason.',
      ['qos', 'reason'],
      () => this.#answers(),
    );
    metrics.counters(
      'edge_mqtt_resends_absorbed_total',
      'Resent publishes whose first sending is still in flight, by QoS.',
      ['qos'],
      () => byQos(this.#resendsAbsorbed, 1),
    );
    metrics.counter('edge_mqtt_wills_published_total', 'Will messages published.', () => this.#wills);
    metrics.counter(
      'edge_mqtt_wills_withdrawn_total',
      "Will messages never published, as their device's certificate was revoked.",
      () => this.#willsWithdrawn,
    );
  }

  #exportSessions(metrics: Metrics): void {
    metrics.counter(
      'edge_mqtt_sessions_taken_over_total',
      'Sessions taken over by a newer connection.',
      () => this.#takenOver,
    );
    metrics.counter(
      'edge_mqtt_sessions_expired_total',
      'Sessions that ended without a connection.',
      () => this.#expired,
    );
    metrics.counter('edge_mqtt_sessions_evicted_total', 'Sessions dropped before their time.', () => this.#evicted);
    metrics.counter(
      'edge_mqtt_subscriptions_refused_total',
      'Refused subscriptions.',
      () => this.#subscriptionsRefused,
    );
  }

  *#answers(): Generator<Sample> {
    for (const qos of [1, 2] as const) {
      yield [{ qos, reason: 'success' }, this.#acknowledged[qos]];
      yield* (this.#answeredNegatively[qos - 1] as Tally<ReasonName>).samples({ qos });
    }
  }
}

function* byQos(counts: readonly number[], lowest: 0 | 1): Generator<Sample> {
  for (let qos = lowest as number; qos <= 2; qos++) yield [{ qos }, counts[qos] ?? 0];
}

const facts = ({ listener, remoteAddress, version, clientId, deviceId }: ConnectionFacts): Fields => ({
  listener,
  remoteAddress,
  version,
  clientId: clip(clientId),
  deviceId: clip(deviceId),
});
