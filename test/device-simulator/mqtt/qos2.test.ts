import { describe, expect, it } from 'vitest';
import type { MqttVersion } from '../../../device-simulator/mqtt/frames.ts';
import { connected, encode, sequenceOf, start, until } from './publishing.ts';

describe.each<MqttVersion>([4, 5])('a publisher at QoS 2, with protocol level %i', (version) => {
  it('releases what the server has received, and is done when the server is', async () => {
    const { publisher, fake, ledger } = await start({}, { version });
    await connected(publisher);
    for (let i = 0; i < 5; i += 1) publisher.publish(0, performance.now(), encode, 2);
    await until('every exchange to end', () => publisher.outstanding === 0);
    expect(publisher.counts).toMatchObject({ sent: 5, acknowledged: 5, rejected: 0, resent: 0 });
    expect(ledger.total('acknowledged')).toBe(5);
    expect(fake.publishes.map(({ qos }) => qos)).toEqual([2, 2, 2, 2, 2]);
    expect(fake.packets.filter(({ cmd }) => cmd === 'pubrel')).toHaveLength(5);
  });

  it('counts PUBREC as the acknowledgement, and holds its place in the window until PUBCOMP', async () => {
    const { publisher, fake } = await start({ onPubrel: () => undefined }, { version, window: 2 });
    await connected(publisher);
    for (let i = 0; i < 3; i += 1) publisher.publish(0, performance.now(), encode, 2);
    await until('two acknowledgements', () => publisher.counts.acknowledged === 2);
    expect(publisher).toMatchObject({ outstanding: 3, inFlight: 2 });
    fake.connections[0]?.send({ cmd: 'pubcomp', messageId: 1 });
    await until('the third', () => publisher.counts.acknowledged === 3);
  });

  it('after a reconnect sends PUBREL where the server has received, and PUBLISH again where it has not', async () => {
    const { publisher, fake } = await start(
      {
        onPublish: ({ connection, packetId, payload, qos }, { send, drop }) => {
          if (connection === 0 && sequenceOf(payload) === 3) drop();
          else if (connection === 0 && sequenceOf(payload) === 2) return;
          else send({ cmd: qos === 2 ? 'pubrec' : 'puback', messageId: packetId, reasonCode: 0 });
        },
        onPubrel: (packetId, { number, send }) => {
          if (number > 0) send({ cmd: 'pubcomp', messageId: packetId, reasonCode: 0 });
        },
      },
      { version },
    );
    await connected(publisher);
    publisher.publish(0, performance.now(), encode, 2);
    await until('the first acknowledgement', () => publisher.counts.acknowledged === 1);
    publisher.publish(0, performance.now(), encode, 2);
    publisher.publish(0, performance.now(), encode, 1);
    await until('every exchange to end', () => publisher.outstanding === 0);
    const again = fake.publishes.filter(({ connection }) => connection === 1);
    expect(again.map(({ payload, dup, qos }) => [sequenceOf(payload), dup, qos])).toEqual([
      [2, true, 2],
      [3, true, 1],
    ]);
    expect(publisher.counts).toMatchObject({ sent: 3, acknowledged: 3, resent: 2 });
  });
});

describe('a publisher at QoS 2 with MQTT 5', () => {
  it('ends the exchange when PUBREC refuses, without PUBREL', async () => {
    const { publisher, fake, ledger } = await start({
      onPublish: ({ packetId }, { send }) => send({ cmd: 'pubrec', messageId: packetId, reasonCode: 0x99 }),
    });
    await connected(publisher);
    publisher.publish(0, performance.now(), encode, 2);
    await until('the refusal', () => publisher.outstanding === 0);
    expect(publisher.rejections).toEqual([[0x99, 1]]);
    expect([...ledger.entry(0).rejected]).toEqual([1]);
    expect(fake.packets.some(({ cmd }) => cmd === 'pubrel')).toBe(false);
  });

  it('is done when a server that forgot the exchange says so in PUBCOMP', async () => {
    const { publisher } = await start({
      onPubrel: (packetId, { send }) => send({ cmd: 'pubcomp', messageId: packetId, reasonCode: 0x92 }),
    });
    await connected(publisher);
    publisher.publish(0, performance.now(), encode, 2);
    await until('the end', () => publisher.outstanding === 0);
    expect(publisher.counts).toMatchObject({ acknowledged: 1, rejected: 0 });
  });
});
