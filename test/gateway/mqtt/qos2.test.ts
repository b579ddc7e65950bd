import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { delivered, rejected } from '../../../gateway/core/outcome.ts';
import type { Publish } from '../../../gateway/core/publish.ts';
import { type ConnectFields, type Edge, join, type RawClient, startEdge, until } from './support.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const persistent = (version: 4 | 5): ConnectFields => ({
  version,
  clean: false,
  ...(version === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}),
});

async function drop(edge: Edge, client: RawClient): Promise<void> {
  client.socket.destroy();
  await until(() => edge.server.connections === 0, 'the connection to be gone');
}

describe.each([4, 5] as const)('QoS 2 in version %i', (version) => {
  it('withholds PUBREC until the publish is settled, then completes', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version });
    client.publish(3, 2);
    await edge.taken(1);
    await client.nothingSent();
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });
    client.send({ cmd: 'pubrel', messageId: 3 });
    expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 3 });
  });

  it('never hands on an identifier that is in flight', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version });
    client.publish(3, 2);
    client.publish(3, 2, { dup: true });
    await client.nothingSent();
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });
    client.publish(3, 2, { dup: true });
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });
    expect(edge.received).toHaveLength(1);
    client.send({ cmd: 'pubrel', messageId: 3 });
    expect(await client.next()).toMatchObject({ cmd: 'pubcomp' });
    client.publish(3, 2);
    await edge.taken(2);
  });

  it('remembers across a reconnect what was received', async () => {
    const edge = await startEdge();
    const first = await join(edge, persistent(version));
    first.publish(3, 2);
    await edge.taken(1);
    edge.settle(0);
    expect(await first.next()).toMatchObject({ cmd: 'pubrec' });
    await drop(edge, first);
    const second = await join(edge, persistent(version));
    second.publish(3, 2, { dup: true });
    expect(await second.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });
    second.send({ cmd: 'pubrel', messageId: 3 });
    expect(await second.next()).toMatchObject({ cmd: 'pubcomp', messageId: 3 });
    expect(edge.received).toHaveLength(1);
  });

  it('takes a PUBREL after a reconnect', async () => {
    const edge = await startEdge();
    const first = await join(edge, persistent(version));
    first.publish(3, 2);
    await edge.taken(1);
    edge.settle(0);
    expect(await first.next()).toMatchObject({ cmd: 'pubrec' });
    await drop(edge, first);
    const second = await join(edge, persistent(version));
    second.send({ cmd: 'pubrel', messageId: 3 });
    const pubcomp = await second.next();
    expect(pubcomp).toMatchObject({ cmd: 'pubcomp', messageId: 3 });
    expect((pubcomp as { reasonCode?: number }).reasonCode ?? 0).toBe(0);
  });

  it('remembers a publish that settles while the device is away', async () => {
    const edge = await startEdge();
    const first = await join(edge, persistent(version));
    first.publish(3, 2);
    await edge.taken(1);
    await drop(edge, first);
    edge.settle(0);
    const second = await join(edge, persistent(version));
    second.publish(3, 2, { dup: true });
    expect(await second.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });
    expect(edge.received).toHaveLength(1);
  });

  it('answers the connection that sent the publish last', async () => {
    const edge = await startEdge();
    const first = await join(edge, persistent(version));
    first.publish(3, 2);
    await edge.taken(1);
    await drop(edge, first);
    const second = await join(edge, persistent(version));
    second.publish(3, 2, { dup: true });
    await second.nothingSent();
    edge.settle(0);
    expect(await second.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });
    expect(edge.received).toHaveLength(1);
  });

  it('forgets with a clean session', async () => {
    const edge = await startEdge();
    const first = await join(edge, persistent(version));
    first.publish(3, 2);
    await edge.taken(1);
    await drop(edge, first);
    const second = await join(edge, { version, clean: true });
    second.publish(3, 2);
    await edge.taken(2);
    edge.settle(0);
    await second.nothingSent();
    edge.settle(1);
    expect(await second.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });
  });

  it('lets a device that has lost its state use the identifier for QoS 1', async () => {
    const edge = await startEdge();
    const first = await join(edge, persistent(version));
    first.publish(3, 2);
    await edge.taken(1);
    edge.settle(0);
    expect(await first.next()).toMatchObject({ cmd: 'pubrec' });
    await drop(edge, first);
    const second = await join(edge, persistent(version));
    second.publish(3, 1);
    await edge.taken(2);
    edge.settle(1);
    expect(await second.next()).toMatchObject({ cmd: 'puback', messageId: 3 });
  });

  it('refuses PUBREL before PUBREC', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version });
    client.publish(3, 2);
    client.send({ cmd: 'pubrel', messageId: 3 });
    await client.end();
    expect(edge.seen.of('protocolViolation')).toHaveLength(1);
  });

  it('owes one answer at a time however often the publish comes again', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version });
    client.publish(1, 1);
    client.publish(2, 2);
    await edge.taken(2);
    edge.settle(1);
    for (let i = 0; i < 20; i += 1) client.publish(2, 2, { dup: true });
    await client.nothingSent();
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 2 });
    await client.nothingSent();
  });

  it('hands on again what an error of our own kept from the pipeline', async () => {
    const received: Publish[] = [];
    let failing = true;
    const edge = await startEdge({
      receive: (publish) => {
        if (failing) throw new Error('planted');
        received.push(publish);
      },
    });
    const first = await join(edge, persistent(version));
    first.publish(3, 2);
    await first.end();
    failing = false;
    const second = await join(edge, persistent(version));
    second.publish(3, 2, { dup: true });
    await until(() => received.length === 1, 'the publish to be handed on');
    received[0]?.answer(delivered);
    expect(await second.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });
  });

  it('keeps nothing of the publish in memory once PUBREC is sent', async () => {
    let publish: Publish | undefined;
    const edge = await startEdge({
      receive: (received) => {
        publish ??= received;
      },
    });
    const client = await join(edge, persistent(version));
    client.publish(3, 2);
    await until(() => publish !== undefined, 'the publish');
    publish?.answer(delivered);
    expect(await client.next()).toMatchObject({ cmd: 'pubrec' });
    const observed = new WeakRef(publish as Publish);
    publish = undefined;
    await until(() => {
      collectGarbage();
      return observed.deref() === undefined;
    }, 'the publish to be collected');
  });

  it('keeps the order of PUBACK and PUBREC together', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version });
    client.publish(1, 2);
    client.publish(2, 1);
    await edge.taken(2);
    edge.settle(1);
    await client.nothingSent();
    edge.settle(0);
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 2 });
  });
});

describe('PUBREL for an unknown identifier', () => {
  it('is answered with 0x92 in MQTT 5', async () => {
    const client = await join(await startEdge());
    client.send({ cmd: 'pubrel', messageId: 77 });
    expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 77, reasonCode: 0x92 });
  });

  it('is answered with a plain PUBCOMP in MQTT 3.1.1', async () => {
    const client = await join(await startEdge(), { version: 4 });
    client.send({ cmd: 'pubrel', messageId: 77 });
    expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 77, length: 2 });
  });
});

describe('the receive maximum after a reconnect', () => {
  const limits = { receiveMaximum: 2 };

  /** All that a client may send whose send quota is 2, and grows by one with every PUBCOMP (section 4.9). */
  async function useQuota(edge: Edge, client: RawClient): Promise<void> {
    const before = edge.received.length;
    for (const messageId of [1, 2]) client.send({ cmd: 'pubrel', messageId });
    for (const id of [3, 4]) client.publish(id);
    for (const messageId of [1, 2]) expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId });
    for (const id of [5, 6]) client.publish(id);
    for (const messageId of [3, 4, 5, 6]) {
      await edge.taken(before + messageId - 2);
      edge.settle(before + messageId - 3);
      expect(await client.next()).toMatchObject({ cmd: 'puback', messageId });
    }
  }

  it('leaves room for what a client may send as its old exchanges end', async () => {
    const edge = await startEdge({ limits });
    const first = await join(edge, persistent(5));
    for (const id of [1, 2]) first.publish(id, 2);
    await edge.taken(2);
    for (const index of [0, 1]) edge.settle(index);
    for (const messageId of [1, 2]) expect(await first.next()).toMatchObject({ cmd: 'pubrec', messageId });
    await drop(edge, first);
    await useQuota(edge, await join(edge, persistent(5)));
  });

  it('does so also for exchanges that began at another gateway', async () => {
    const edge = await startEdge({ limits });
    await useQuota(edge, await join(edge));
  });

  it('is not undone by PUBRELs without end', async () => {
    const edge = await startEdge({ limits });
    const client = await join(edge);
    for (let messageId = 1; messageId <= 100; messageId += 1) {
      client.send({ cmd: 'pubrel', messageId });
      expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId });
    }
    for (let id = 1; id <= 4; id += 1) {
      client.publish(id, 2);
      await edge.taken(id);
      edge.settle(id - 1);
      expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: id });
    }
    client.publish(5, 2);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x93 });
  });
});

describe('a rejected QoS 2 publish', () => {
  const outcome = rejected({ reason: 'malformed_payload', detail: 'no message' });

  it('ends with PUBREC and its reason code in MQTT 5: the identifier is free', async () => {
    const edge = await startEdge({ limits: { receiveMaximum: 1 } });
    const client = await join(edge);
    for (let turn = 0; turn < 3; turn += 1) {
      client.publish(3, 2);
      await edge.taken(turn + 1);
      edge.settle(turn, outcome);
      expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 3, reasonCode: 0x99 });
    }
  });

  it('goes on with PUBREL in MQTT 3.1.1', async () => {
    const edge = await startEdge();
    const client = await join(edge, { version: 4 });
    client.publish(3, 2);
    await edge.taken(1);
    edge.settle(0, outcome);
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 3, length: 2 });
    client.send({ cmd: 'pubrel', messageId: 3 });
    expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 3 });
  });
});

describe('a client of MQTT 3.1.1, which has no receive maximum', () => {
  it('may send thousands of publishes before it reads the first PUBREC', async () => {
    const count = 3000;
    const edge = await startEdge({ receive: (publish) => publish.answer(delivered) });
    const client = await join(edge, { version: 4 });
    for (let id = 1; id <= count; id += 1) client.publish(id, 2);
    await until(() => client.packets.length === count || client.closed, 'every PUBREC');
    for (let id = 1; id <= count; id += 1) client.send({ cmd: 'pubrel', messageId: id });
    await until(() => client.packets.length === 2 * count || client.closed, 'every PUBCOMP');
    expect(client.closed).toBe(false);
  });
});
