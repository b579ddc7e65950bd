import { Recall } from '../core/recall.ts';
import type { Connection } from './connection.ts';
import { noProperties } from './decode/properties.ts';
import { decodePublish, type PublishFields, TopicMemory } from './decode/publish.ts';
import { InboundPublish, ResentPublish } from './inbound-publish.ts';
import { correlationIdOf, traceparentOf } from './message-properties.ts';
import { reasonCodes } from './reason-codes.ts';
import { QoS2Exchange } from './session.ts';
import type { Violation } from './violation.ts';

/**
 * PUBLISH (section 3.3): handed to the pipeline, and answered when that has settled it. An identifier that is still in
 * flight is never handed on twice.
 */
export function onPublish(connection: Connection, flags: number): Violation | undefined {
  const { context } = connection;
  const fields = context.publishFields;
  connection.topics ??= new TopicMemory();
  const malformed = decodePublish(context.reader, flags, connection.version ?? 4, connection.topics, fields);
  if (malformed !== undefined) return malformed;
  const { rate } = connection;
  if (rate !== undefined) rate.take(fields.payload.length);
  const refused = resolveTopicAlias(connection, fields) ?? refuseRetain(connection, fields);
  if (refused !== undefined) return refused;
  if (fields.qos === 0) return handOn(connection, fields);
  return fields.qos === 1 ? onQoS1(connection, fields) : onQoS2(connection, fields);
}

/** Topic aliases (5.0, section 3.3.2.3.4), per connection. Replaces an empty topic name by the one it stands for. */
function resolveTopicAlias(connection: Connection, fields: PublishFields): Violation | undefined {
  const alias = fields.properties.topicAlias;
  if (alias === undefined) return undefined;
  if (alias > connection.context.limits.topicAliasMaximum) {
    return { code: reasonCodes.topicAliasInvalid, detail: 'topic alias above the topic alias maximum [MQTT-3.3.2-9]' };
  }
  connection.topicAliases ??= [];
  if (fields.topic !== '') {
    connection.topicAliases[alias] = fields.topic;
    return undefined;
  }
  const topic = connection.topicAliases[alias];
  if (topic === undefined) return { code: reasonCodes.protocolError, detail: 'topic alias stands for no topic' };
  fields.topic = topic;
  return undefined;
}

/**
 * Retained messages are not offered: CONNACK says so in 5.0, and a client that sends one all the same breaks the standard
 * (section 3.2.2.3.5). In 3.1.1 a server can neither say nor refuse it: the publish is taken like any other.
 */
function refuseRetain(connection: Connection, fields: PublishFields): Violation | undefined {
  if (!fields.retain || connection.version === 4) return undefined;
  return { code: reasonCodes.retainNotSupported, detail: 'retained messages are not supported [MQTT-3.2.2-14]' };
}

function onQoS1(connection: Connection, fields: PublishFields): Violation | undefined {
  const earlier = connection.outgoing.find(fields.packetId);
  const exchanges = connection.session?.exchanges;
  const exchange = exchanges?.get(fields.packetId);
  // Left from an earlier connection, by a device that has lost its state since: refused, it would come back for ever.
  const isStale = exchange !== undefined && exchange.connection !== connection;
  if (isStale) exchanges?.delete(fields.packetId);
  if (earlier === undefined && (exchange === undefined || isStale)) {
    return countInFlight(connection) ?? handOn(connection, fields);
  }
  // Its answer is still owed. Answering both would acknowledge whatever the client sends next under this identifier.
  if (earlier?.qos !== 1 || !fields.dup) return identifierInUse;
  connection.context.observer.resendAbsorbed(1);
  return undefined;
}

function onQoS2(connection: Connection, fields: PublishFields): Violation | undefined {
  const { session } = connection;
  const { packetId } = fields;
  if (session === undefined) return undefined;
  const exchange = session.exchanges?.get(packetId);
  if (exchange === undefined) {
    if (connection.outgoing.find(packetId) !== undefined) return identifierInUse;
    return countInFlight(connection) ?? handOn(connection, fields);
  }
  connection.context.observer.resendAbsorbed(2);
  const here = exchange.connection === connection;
  // The answer is owed to this connection already: a second one would only grow the queue behind it.
  if (here && exchange.place !== undefined) return undefined;
  const place = new ResentPublish(connection, packetId, exchange);
  exchange.owe(place);
  connection.outgoing.push(place);
  if (exchange.outcome !== undefined) connection.outgoing.changed();
  return here ? undefined : countInFlight(connection);
}

const identifierInUse: Violation = {
  code: reasonCodes.protocolError,
  detail: 'packet identifier is in use [MQTT-2.2.1-3]',
};

/**
 * Receive maximum (5.0, section 4.9): more in flight than granted breaks the standard [MQTT-3.3.4-7]. Who was granted less
 * than usual, under pressure, is only not read further: a client that sends again what it had in flight before would
 * otherwise be disconnected each time it comes, its first publishes written each time.
 */
function countInFlight(connection: Connection): Violation | undefined {
  connection.inFlight += 1;
  if (connection.version === 4 || connection.inFlight <= connection.context.limits.receiveMaximum) return undefined;
  return { code: reasonCodes.receiveMaximumExceeded, detail: 'receive maximum exceeded' };
}

function handOn(connection: Connection, fields: PublishFields): undefined {
  const { context, identity, session } = connection;
  if (identity === undefined || session === undefined) return;
  const { properties, qos, packetId } = fields;
  const named = properties !== noProperties;
  connection.recall ??= new Recall();
  const publish = new InboundPublish(
    connection,
    identity,
    fields.topic,
    fields.payload,
    qos,
    packetId,
    context.options.now(),
    properties.contentType,
    named ? traceparentOf(properties) : undefined,
    named ? correlationIdOf(properties) : undefined,
  );
  context.observer.publishReceived(qos);
  if (qos > 0) connection.outgoing.push(publish);
  if (qos === 2) {
    publish.exchange = new QoS2Exchange();
    publish.exchange.owe(publish);
    session.exchanges ??= new Map();
    session.exchanges.set(packetId, publish.exchange);
  }
  try {
    context.handOn(publish);
    if (context.fleetPace !== undefined) context.fleetPace.take(publish.payloadBytes);
  } catch (error) {
    // Nobody will settle it: an exchange that stayed would absorb every resend, and the device would wait for ever.
    session.exchanges?.delete(packetId);
    throw error;
  }
}
