import type { Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { Access } from '../../gateway/core/access.ts';
import { defaultRules } from '../../gateway/core/authorization/default-rules.ts';
import type { AuthorizationRule } from '../../gateway/core/authorization/rule.ts';
import { RuleSet } from '../../gateway/core/authorization/rule-set.ts';
import { defaultCommandTopic, defaultRoutes } from '../../gateway/core/default-routes.ts';
import type { Identity } from '../../gateway/core/identity.ts';
import { Ingest } from '../../gateway/core/ingest.ts';
import { delivered } from '../../gateway/core/outcome.ts';
import { createPipeline } from '../../gateway/core/pipeline.ts';
import type { Settleable } from '../../gateway/core/publish.ts';
import type { RecordEncoder } from '../../gateway/core/record-sink.ts';
import { RouteTable } from '../../gateway/core/route-table.ts';
import { defaultOptions, protobufBytes, report, TestSink, telemetry } from './core/fixture.ts';
import { type ConnectFields, dial, join, type RawClient, startEdge, until } from './mqtt/support.ts';
import { Captured } from './observability/captured.ts';

const registered: Readonly<Record<string, { readonly secret: string; readonly identity: Identity }>> = {
  'dev-7': { secret: 'seven', identity: { deviceId: 'dev-7', kind: 'vehicle', boundTo: 'veh-7' } },
  'dev-8': { secret: 'eight', identity: { deviceId: 'dev-8', kind: 'vehicle', boundTo: 'veh-8' } },
  'dev-3': { secret: 'three', identity: { deviceId: 'dev-3', kind: 'bay', boundTo: 'bay-3' } },
};
const own = 'v1/vehicles/veh-7/telemetry';
const foreign = 'v1/vehicles/veh-8/telemetry';
const byDefault = defaultRules(defaultRoutes, defaultCommandTopic);
const noMore = (...actions: AuthorizationRule['actions']): AuthorizationRule[] => [
  ...byDefault,
  { name: 'no more', effect: 'deny', actions, kinds: ['vehicle'], topics: ['v1/vehicles/veh-7/#'] },
];

/** Kafka takes everything, a turn of the event loop later. */
class SettlingSink extends TestSink {
  override append<Event>(
    topic: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    const isTaken = super.append(topic, key, timestampMs, encoder, event, settleable);
    if (isTaken) setImmediate(() => settleable.settleRecord(delivered));
    return isTaken;
  }
}

/** The MQTT edge with the gateway's own pipeline behind it. */
async function world() {
  const devices = { ...registered };
  const sink = new SettlingSink();
  const captured = new Captured('silent');
  const { ingest: observer, authorization } = captured.observability;
  const access = new Access(new RouteTable(defaultRoutes), new RuleSet(byDefault), authorization);
  const ingest = new Ingest({
    pipeline: createPipeline({ ...defaultOptions, access }),
    sink,
    source: defaultOptions.source,
    deadLetterTopic: 'dlq',
    observer,
    pressure: () => 0,
  });
  const edge = await startEdge({
    limits: { maxSessionExpirySeconds: 3600 },
    authenticate: async ({ username = '', password }) => {
      const device = devices[username];
      if (device === undefined || password?.toString() !== device.secret) return { refused: 'bad_credentials' };
      return { identity: device.identity };
    },
    mayPublish: (identity, topic) => access.refusalOfWill(identity, topic) === undefined,
    maySubscribe: (identity, filter) => access.maySubscribe(identity, filter),
    receive: (publish) => ingest.receive(publish),
  });
  const credentials = (device: string) => ({
    clientId: device,
    username: device,
    password: Buffer.from(devices[device]?.secret ?? ''),
  });
  const connect = (device: string, fields: ConnectFields = {}) => join(edge, { ...credentials(device), ...fields });
  const attempt = (device: string, fields: ConnectFields = {}) => dial(edge, { ...credentials(device), ...fields });
  const written = () => sink.records.filter(({ topic }) => topic !== 'dlq').map(({ key }) => key);
  const letters = () => sink.records.filter(({ topic }) => topic === 'dlq').map(({ headers }) => headers.dlq_reason);
  const reload = (rules: readonly AuthorizationRule[]) => {
    access.use(new RuleSet(rules));
    return edge.server.endSubscriptions((identity, filter) => access.mayStaySubscribed(identity, filter));
  };
  const denied = async (action: string, reason: string) =>
    (await captured.metrics()).get(`edge_authorization_denied_total{action="${action}",reason="${reason}"}`);
  const bind = (device: string, changes: Partial<Identity>) => {
    const { secret = '', identity } = devices[device] ?? {};
    if (identity !== undefined) devices[device] = { secret, identity: { ...identity, ...changes } };
  };
  return { edge, connect, attempt, written, letters, reload, denied, bind };
}

const batch = (...vehicleIds: string[]) =>
  protobufBytes('VehicleTelemetryBatch', {
    items: vehicleIds.map((vehicleId, sequence) => ({ ...report, vehicleId, sequence })),
  });

interface Attack {
  readonly what: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly reason: string;
}

const attacks: readonly Attack[] = [
  { what: 'by topic', topic: foreign, payload: telemetry({ vehicleId: 'veh-8' }), reason: 'not_authorized' },
  { what: 'by topic, with its own id inside', topic: foreign, payload: telemetry(), reason: 'not_authorized' },
  { what: 'by payload id', topic: own, payload: telemetry({ vehicleId: 'veh-8' }), reason: 'wrong_identity' },
  {
    what: 'by payload id that only begins alike',
    topic: own,
    payload: telemetry({ vehicleId: 'veh-7 ' }),
    reason: 'wrong_identity',
  },
  {
    what: 'by one event in a batch of its own',
    topic: `${own}/batch`,
    payload: batch('veh-7', 'veh-7', 'veh-8'),
    reason: 'wrong_identity',
  },
  {
    what: 'by the first event of a batch',
    topic: `${own}/batch`,
    payload: batch('veh-8', 'veh-7'),
    reason: 'wrong_identity',
  },
  {
    what: 'by the answer to a command',
    topic: 'v1/vehicles/veh-8/commands/1/ack',
    payload: Buffer.from('ok'),
    reason: 'not_authorized',
  },
  { what: 'as a bay', topic: 'v1/bays/veh-7/events', payload: Buffer.from(''), reason: 'not_authorized' },
];

/** What the device is answered, at any quality of service that has an answer. */
async function answerTo(
  client: RawClient,
  qos: 1 | 2,
  fields: Record<string, unknown>,
  messageId = 1,
): Promise<Packet> {
  client.publish(messageId, qos, fields);
  return client.next();
}

describe('a device that reports as another vehicle', () => {
  it.each(attacks)('is refused $what, and nothing of it is written', async ({ topic, payload, reason }) => {
    const { connect, written, letters } = await world();
    const client = await connect('dev-7');
    expect(await answerTo(client, 1, { topic, payload })).toMatchObject({ cmd: 'puback', reasonCode: 0x87 });
    expect(await answerTo(client, 2, { topic, payload }, 2)).toMatchObject({ cmd: 'pubrec', reasonCode: 0x87 });
    expect(written()).toEqual([]);
    expect(letters()).toEqual([reason, reason]);
    const older = await connect('dev-7', { version: 4, clientId: 'older' });
    expect(await answerTo(older, 1, { topic, payload })).toMatchObject({ cmd: 'puback', messageId: 1 });
    expect(written()).toEqual([]);
    expect(letters()).toEqual([reason, reason, reason]);
  });

  it.each(attacks)('is refused $what behind publishes of its own', async ({ topic, payload }) => {
    const { connect, written } = await world();
    const client = await connect('dev-7');
    expect(await answerTo(client, 1, { topic: own, payload: telemetry() })).toMatchObject({ reasonCode: 0 });
    expect(await answerTo(client, 1, { topic, payload }, 2)).toMatchObject({ reasonCode: 0x87 });
    expect(await answerTo(client, 1, { topic: own, payload: telemetry() }, 3)).toMatchObject({ reasonCode: 0 });
    expect(written()).toEqual(['veh-7', 'veh-7']);
  });

  it('is refused by a topic alias, also when the topic itself is left out', async () => {
    const { connect, written, letters } = await world();
    const client = await connect('dev-7');
    const payload = telemetry({ vehicleId: 'veh-8' });
    const properties = { topicAlias: 1 };
    expect(await answerTo(client, 1, { topic: foreign, payload, properties })).toMatchObject({ reasonCode: 0x87 });
    expect(await answerTo(client, 1, { topic: '', payload, properties }, 2)).toMatchObject({ reasonCode: 0x87 });
    expect(written()).toEqual([]);
    expect(letters()).toEqual(['not_authorized', 'not_authorized']);
  });

  it('is refused at QoS 0, without an answer', async () => {
    const { connect, written, letters, denied } = await world();
    const client = await connect('dev-7');
    client.publish(0, 0, { topic: foreign, payload: telemetry({ vehicleId: 'veh-8' }) });
    await client.nothingSent();
    expect(written()).toEqual([]);
    expect(letters()).toEqual(['not_authorized']);
    expect(await denied('publish', 'not_bound')).toBe(1);
  });
});

describe('the key of a vehicle’s records', () => {
  it('is what the device is bound to, for single reports, batches and raw bytes', async () => {
    const { connect, written } = await world();
    const client = await connect('dev-7');
    await answerTo(client, 1, { topic: own, payload: telemetry() });
    await answerTo(client, 1, { topic: `${own}/batch`, payload: batch('veh-7', 'veh-7') }, 2);
    await answerTo(client, 1, { topic: 'v1/vehicles/veh-7/commands/1/ack', payload: Buffer.from('veh-8') }, 3);
    expect(written()).toEqual(['veh-7', 'veh-7', 'veh-7', 'veh-7']);
  });
});

const willFor = (topic: string, payload: Buffer) => ({
  will: { topic, payload, qos: 1 as const, retain: false, properties: {} },
});

describe.each([4, 5] as const)('a will in version %i', (version) => {
  const drop = async (client: RawClient, edge: { readonly server: { readonly connections: number } }) => {
    client.socket.destroy();
    await until(() => edge.server.connections === 0, 'the connection to be gone');
  };

  it('for another vehicle refuses the CONNECT, and leaves no session', async () => {
    const { attempt, edge, denied, written } = await world();
    for (const topic of [foreign, 'v1/bays/bay-3/events', 'v1/nowhere']) {
      const client = attempt('dev-7', { version, ...willFor(topic, telemetry({ vehicleId: 'veh-8' })) });
      expect(await client.next()).toMatchObject(version === 5 ? { reasonCode: 0x87 } : { returnCode: 5 });
      await client.end();
    }
    expect(edge.server.sessions).toBe(0);
    expect(written()).toEqual([]);
    expect(await denied('will', 'not_bound')).toBe(2);
    expect(await denied('will', 'no_route')).toBe(1);
  });

  it('with another vehicle in its payload is refused when it is published', async () => {
    const { connect, edge, written, letters } = await world();
    await drop(await connect('dev-7', { version, ...willFor(own, telemetry({ vehicleId: 'veh-8' })) }), edge);
    await until(() => letters().length > 0, 'the dead letter');
    expect(letters()).toEqual(['wrong_identity']);
    expect(written()).toEqual([]);
  });

  it('that was allowed is refused when the rules no longer allow it at the time it is published', async () => {
    const { connect, edge, reload, written, letters, denied } = await world();
    const client = await connect('dev-7', { version, ...willFor(own, telemetry()) });
    reload(noMore('will'));
    expect(await answerTo(client, 1, { topic: own, payload: telemetry() })).toMatchObject({ cmd: 'puback' });
    expect(written()).toEqual(['veh-7']);
    await drop(client, edge);
    await until(() => letters().length > 0, 'the dead letter');
    expect(letters()).toEqual(['not_authorized']);
    expect(written()).toEqual(['veh-7']);
    expect(await denied('will', 'rule')).toBe(1);
  });

  it('that is allowed is published under the key of its device', async () => {
    const { connect, edge, written } = await world();
    await drop(await connect('dev-7', { version, ...willFor(own, telemetry()) }), edge);
    await until(() => written().length > 0, 'the will');
    expect(written()).toEqual(['veh-7']);
  });
});

describe('new rules', () => {
  it('hold for the next publish of a connection that stays, and for the next one after them again', async () => {
    const { connect, edge, reload, written, letters, denied } = await world();
    const client = await connect('dev-7');
    const other = await connect('dev-8');
    const publish = (id: number) => answerTo(client, 1, { topic: own, payload: telemetry() }, id);
    expect(await publish(1)).toMatchObject({ reasonCode: 0 });
    reload(noMore('publish'));
    expect(await publish(2)).toMatchObject({ reasonCode: 0x87 });
    expect(await publish(3)).toMatchObject({ reasonCode: 0x87 });
    const theirs = { topic: foreign, payload: telemetry({ vehicleId: 'veh-8' }) };
    expect(await answerTo(other, 1, theirs), 'who is not meant').toMatchObject({ reasonCode: 0 });
    reload(byDefault);
    expect(await publish(4)).toMatchObject({ reasonCode: 0 });
    expect(edge.server.connections).toBe(2);
    expect(written()).toEqual(['veh-7', 'veh-8', 'veh-7']);
    expect(letters()).toEqual(['not_authorized', 'not_authorized']);
    expect(await denied('publish', 'rule')).toBe(2);
  });

  it('take away subscriptions, of sessions that are away too, and leave connections and other subscriptions', async () => {
    const { connect, edge, reload } = await world();
    const commands = (vehicleId: string) => `v1/vehicles/${vehicleId}/commands`;
    const subscribed = async (device: string, vehicleId: string, fields: ConnectFields = {}) => {
      const client = await connect(device, fields);
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: commands(vehicleId), qos: 1 }] });
      expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [1] });
      return client;
    };
    const live = await subscribed('dev-7', 'veh-7');
    const persistent = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 600 } };
    const away = await subscribed('dev-7', 'veh-7', persistent);
    away.socket.destroy();
    await until(() => edge.server.connections === 1, 'the connection to be gone');
    const other = await subscribed('dev-8', 'veh-8');

    expect(reload(noMore('subscribe'))).toBe(2);
    expect(reload(noMore('subscribe'))).toBe(0);
    const again = await connect('dev-7', persistent);
    for (const [client, vehicleId, code] of [
      [live, 'veh-7', 0x11],
      [again, 'veh-7', 0x11],
      [other, 'veh-8', 0],
    ] as const) {
      client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [commands(vehicleId)] });
      expect(await client.next()).toMatchObject({ cmd: 'unsuback', granted: [code] });
    }
    live.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: commands('veh-7'), qos: 1 }] });
    expect(await live.next()).toMatchObject({ cmd: 'suback', granted: [0x87] });
  });
});

describe('a device that is bound to another vehicle while it is away', () => {
  it('finds its session, without the subscription to the commands of the former one', async () => {
    const { connect, edge, bind } = await world();
    const topic = 'v1/vehicles/veh-7/commands';
    const persistent = { clean: false, properties: { sessionExpiryInterval: 600 } };
    const first = await connect('dev-7', persistent);
    first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] });
    expect(await first.next()).toMatchObject({ granted: [1] });
    first.socket.destroy();
    await until(() => edge.server.connections === 0, 'the connection to be gone');
    bind('dev-7', { boundTo: 'veh-9' });
    const second = await connect('dev-7', persistent);
    expect(edge.server.sessions).toBe(1);
    second.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topic] });
    expect(await second.next()).toMatchObject({ cmd: 'unsuback', granted: [0x11] });
    expect(await answerTo(second, 1, { topic: own, payload: telemetry() }, 3)).toMatchObject({ reasonCode: 0x87 });
  });
});

describe('subscribing to what is not one’s own', () => {
  const filters = ['v1/vehicles/veh-8/commands', 'v1/vehicles/veh-7/telemetry', '$SYS/broker/clients'];

  it('is answered with 0x87, in 3.1.1 with 0x80, and counted', async () => {
    const { connect, denied } = await world();
    const subscriptions = filters.map((topic) => ({ topic, qos: 1 as const }));
    const client = await connect('dev-7');
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions });
    expect(await client.next()).toMatchObject({ granted: [0x87, 0x87, 0x87] });
    const older = await connect('dev-7', { version: 4, clientId: 'older' });
    older.send({ cmd: 'subscribe', messageId: 1, subscriptions });
    expect(await older.next()).toMatchObject({ granted: [0x80, 0x80, 0x80] });
    expect(await denied('subscribe', 'no_rule')).toBe(6);
  });

  it.each(['v1/vehicles/+/commands', '#', '$share/g/v1/vehicles/veh-8/commands'])(
    'is not possible by %s in either version',
    async (topic) => {
      const { connect } = await world();
      const older = await connect('dev-7', { version: 4 });
      older.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] });
      expect(await older.next()).toMatchObject({ granted: [0x80] });
      const client = await connect('dev-7', { clientId: 'newer' });
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] });
      expect(await client.next()).toMatchObject({ cmd: 'disconnect' });
    },
  );
});

describe.each([4, 5] as const)('another device in version %i', (version) => {
  const persistent: ConnectFields = {
    version,
    clean: false,
    ...(version === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}),
  };

  it('gets a session of its own by the client identifier of the first one, which goes on', async () => {
    const { connect, edge, written } = await world();
    const first = await connect('dev-7', persistent);
    const second = await connect('dev-8', { ...persistent, clientId: 'dev-7' });
    expect(edge.server.connections).toBe(2);
    const theirs = { topic: own, payload: telemetry() };
    await answerTo(second, 1, theirs);
    expect(written(), 'it does not become the first one by it').toEqual([]);
    expect(await answerTo(first, 1, theirs)).toMatchObject({ cmd: 'puback' });
    expect(written()).toEqual(['veh-7']);
  });

  it('takes no session over with the name of the first one and credentials of its own', async () => {
    const { connect, attempt, edge } = await world();
    const first = await connect('dev-7', persistent);
    for (const password of [Buffer.from('eight'), Buffer.from(''), undefined]) {
      const thief = attempt('dev-7', { ...persistent, password });
      expect(await thief.next()).toMatchObject(version === 5 ? { reasonCode: 0x86 } : { returnCode: 4 });
      await thief.end();
    }
    await first.nothingSent();
    expect(edge.server.sessions).toBe(1);
    expect(edge.seen.of('sessionTakenOver')).toEqual([]);
  });

  it('neither sees nor ends what the first one has left in its session', async () => {
    const { connect, attempt, edge, written } = await world();
    const first = await connect('dev-7', { ...persistent, ...willFor(own, telemetry()) });
    first.socket.destroy();
    await until(() => edge.server.connections === 0, 'the connection to be gone');
    await until(() => written().length === 1, 'the will');
    const thief = attempt('dev-8', { ...persistent, clientId: 'dev-7' });
    expect(await thief.next()).toMatchObject({ cmd: 'connack', sessionPresent: false });
    expect(edge.server.sessions).toBe(2);
  });
});
