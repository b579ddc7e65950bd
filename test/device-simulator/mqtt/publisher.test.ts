import type { IConnackPacket, IConnectPacket, Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import type { MqttVersion } from '../../../device-simulator/mqtt/frames.ts';
import { connected, encode, sequenceOf, start, until } from './publishing.ts';

describe.each<MqttVersion>([4, 5])('a publisher with protocol level %i', (version) => {
  it('introduces itself with its credentials and a session that outlives the connection', async () => {
    const { publisher, fake } = await start({}, { version, secrets: new Map([['dev-veh-000001', 's3cret']]) });
    await connected(publisher);
    const connect = fake.packets[0] as IConnectPacket;
    expect(connect).toMatchObject({
      protocolVersion: version,
      clientId: 'dev-veh-000001',
      username: 'dev-veh-000001',
      clean: false,
      keepalive: 60,
    });
    expect(connect.password?.toString()).toBe('s3cret');
  });

  it('counts and enters in the ledger what was acknowledged', async () => {
    const { publisher, ledger, latencies } = await start({}, { version });
    await connected(publisher);
    for (let i = 0; i < 30; i += 1) publisher.publish(0, performance.now(), encode);
    await until('all acknowledgements', () => publisher.outstanding === 0);
    expect(publisher.counts).toMatchObject({ sent: 30, acknowledged: 30, rejected: 0, resent: 0 });
    expect([ledger.total('sent'), ledger.total('acknowledged')]).toEqual([30, 30]);
    expect([...ledger.entry(0).acknowledged]).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(latencies).toHaveLength(30);
  });

  it('sends the unacknowledged again after a reconnect: in order, as DUP, under their packet ids and sequences', async () => {
    const { publisher, fake } = await start(
      {
        onPublish: ({ connection, packetId, payload }, { send, drop }) => {
          // The first connection acknowledges only sequence 2, and dies at 6.
          if (connection > 0 || sequenceOf(payload) === 2) send({ cmd: 'puback', messageId: packetId, reasonCode: 0 });
          else if (sequenceOf(payload) === 6) drop();
        },
      },
      { version },
    );
    await connected(publisher);
    for (let i = 0; i < 5; i += 1) publisher.publish(0, performance.now(), encode);
    await until('the one acknowledgement', () => publisher.counts.acknowledged === 1);
    publisher.publish(0, performance.now(), encode);
    await until('the loss', () => publisher.counts.disconnects === 1);
    publisher.publish(0, performance.now(), encode);
    await until('all acknowledgements', () => publisher.outstanding === 0);

    const second = fake.publishes.filter(({ connection }) => connection === 1);
    expect(second.map(({ payload, dup, packetId }) => [sequenceOf(payload), dup, packetId])).toEqual([
      [1, true, 1],
      [3, true, 3],
      [4, true, 4],
      [5, true, 5],
      [6, true, 6],
      [7, false, 7],
    ]);
    expect(publisher.counts).toMatchObject({ sent: 7, acknowledged: 7, resent: 5 });
  });

  it('writes a message at QoS 0 behind what it has written, and never again', async () => {
    const { publisher, fake } = await start(
      {
        onPublish: ({ connection, packetId, qos }, { send, drop }) => {
          if (connection > 0) send({ cmd: 'puback', messageId: packetId, reasonCode: 0 });
          else if (qos === 0) drop();
        },
      },
      { version },
    );
    await connected(publisher);
    publisher.publish(0, performance.now(), encode);
    publisher.publishOnce(0, encode);
    await until('the loss', () => publisher.counts.disconnects === 1);
    await until('all acknowledgements', () => publisher.outstanding === 0);
    expect(fake.publishes.map(({ connection, payload, qos }) => [connection, sequenceOf(payload), qos])).toEqual([
      [0, 1, 1],
      [0, 2, 0],
      [1, 1, 1],
    ]);
    expect(publisher.counts).toMatchObject({ sent: 1, acknowledged: 1, resent: 1 });
  });

  it('drops a message at QoS 0 that would have to wait, without giving it a sequence number', async () => {
    const { publisher, fake } = await start({ onPublish: () => undefined }, { version, window: 1 });
    const encoded: number[] = [];
    const once = (sequence: number): Buffer => {
      encoded.push(sequence);
      return encode(sequence);
    };
    publisher.publishOnce(0, once);
    await connected(publisher);
    for (let i = 0; i < 2; i += 1) publisher.publish(0, performance.now(), encode);
    publisher.publishOnce(0, once);
    await until('the window to be full', () => fake.publishes.length === 1);
    expect(encoded).toEqual([]);
    expect(publisher.outstanding).toBe(2);
  });

  it('measures latency from the time at which the schedule wanted the message sent', async () => {
    const { publisher, latencies } = await start({}, { version });
    await connected(publisher);
    publisher.publish(0, performance.now() - 5_000, encode);
    await until('the acknowledgement', () => latencies.length === 1);
    expect(latencies[0]).toBeGreaterThanOrEqual(5_000);
  });

  it('keeps a bounded backlog, and counts what did not fit instead of giving it a sequence number', async () => {
    const { publisher, ledger, fake } = await start(
      { onPublish: () => undefined },
      { version, window: 4, backlog: 10 },
    );
    await connected(publisher);
    for (let i = 0; i < 25; i += 1) publisher.publish(0, performance.now(), encode);
    await until('the window to be full', () => fake.publishes.length === 4);
    expect(publisher.counts).toMatchObject({ sent: 4, overflowed: 15 });
    expect(publisher.neverSent).toBe(6);
    expect([...ledger.entry(0).sent]).toEqual([1, 2, 3, 4]);
  });

  it('tries again, and says why, when it is refused', async () => {
    let attempts = 0;
    const { publisher } = await start(
      {
        connack: () => {
          attempts += 1;
          const code = attempts > 1 ? 0 : version === 5 ? 0x87 : 5;
          return { cmd: 'connack', sessionPresent: false, returnCode: code, reasonCode: code };
        },
      },
      { version },
    );
    await connected(publisher);
    expect(publisher.counts).toMatchObject({ failedConnects: 1, finalRefusals: 1, disconnects: 0 });
    expect(publisher.reasons).toEqual([[`refused: ${version === 5 ? '0x87' : '0x05'} not authorized`, 1]]);
  });

  it('says goodbye', async () => {
    const { publisher, fake } = await start({}, { version });
    await connected(publisher);
    await publisher.close(0);
    await until('DISCONNECT', () => fake.packets.some(({ cmd }) => cmd === 'disconnect'));
  });
});

describe('a publisher with MQTT 5', () => {
  const accepted = (properties: IConnackPacket['properties'] & {}) => (): Packet => ({
    cmd: 'connack',
    sessionPresent: false,
    reasonCode: 0,
    properties,
  });

  it('has no more in flight than the server’s receive maximum', async () => {
    const held: (() => void)[] = [];
    let inFlight = 0;
    let most = 0;
    const { publisher } = await start({
      connack: accepted({ receiveMaximum: 3 }),
      onPublish: ({ packetId }, { send }) => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        held.push(() => {
          inFlight -= 1;
          send({ cmd: 'puback', messageId: packetId, reasonCode: 0 });
        });
      },
    });
    await connected(publisher);
    for (let i = 0; i < 20; i += 1) publisher.publish(0, performance.now(), encode);
    while (publisher.outstanding > 0) {
      await until('a full window', () => held.length === Math.min(3, publisher.outstanding));
      expect(publisher.inFlight).toBe(held.length);
      const before = publisher.outstanding;
      held.shift()?.();
      await until('the acknowledgement', () => publisher.outstanding < before);
    }
    expect(most).toBe(3);
  });

  it('counts a negative PUBACK as rejected, and does not send the message again', async () => {
    const { publisher, fake, ledger } = await start({
      onPublish: ({ packetId, payload }, { send }) =>
        send({ cmd: 'puback', messageId: packetId, reasonCode: sequenceOf(payload) === 2 ? 0x99 : 0 }),
    });
    await connected(publisher);
    for (let i = 0; i < 3; i += 1) publisher.publish(0, performance.now(), encode);
    await until('all answers', () => publisher.outstanding === 0);
    expect(publisher.counts).toMatchObject({ sent: 3, acknowledged: 2, rejected: 1 });
    expect(publisher.rejections).toEqual([[0x99, 1]]);
    expect([...ledger.entry(0).rejected]).toEqual([2]);
    expect(fake.publishes).toHaveLength(3);
  });

  it('reads acknowledgements however TCP cuts them', async () => {
    const { publisher } = await start({
      onPublish: ({ packetId, payload }, { write }) => {
        // All of them at once, with a reason code, in two pieces that end within a packet.
        if (sequenceOf(payload) !== 4) return;
        const acks = [1, 2, 3].flatMap((id) => [0x40, 3, 0, id, 0]);
        write(Buffer.from(acks.slice(0, 7)));
        setImmediate(() => write(Buffer.from([...acks.slice(7), 0x40, 2, 0, packetId])));
      },
    });
    await connected(publisher);
    for (let i = 0; i < 4; i += 1) publisher.publish(0, performance.now(), encode);
    await until('all acknowledgements', () => publisher.counts.acknowledged === 4);
  });

  it('comes back after a server DISCONNECT, and says why it left', async () => {
    const { publisher, fake } = await start();
    await connected(publisher);
    fake.connections[0]?.send({ cmd: 'disconnect', reasonCode: 0x8b });
    await until('the reconnect', () => fake.connections.length === 2 && publisher.connected === 1);
    expect(publisher.reasons).toEqual([['server DISCONNECT 0x8b server shutting down', 1]]);
  });

  it('leaves a server that does not speak MQTT', async () => {
    const { publisher, fake } = await start();
    await connected(publisher);
    fake.connections[0]?.write(Buffer.from([0x40, 0xff, 0xff, 0xff, 0xff, 0xff]));
    await until('the loss', () => publisher.counts.disconnects === 1);
    expect(publisher.reasons).toEqual([['the server does not speak MQTT', 1]]);
  });

  it('pings when it has nothing to say, as often as the server wants', async () => {
    const { publisher, fake } = await start({
      connack: accepted({ serverKeepAlive: 1 }),
    });
    await connected(publisher);
    await until('two pings', () => fake.packets.filter(({ cmd }) => cmd === 'pingreq').length === 2);
    expect(publisher.counts.disconnects).toBe(0);
  });
});
