import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sharedServers } from '../support/servers.ts';
import { type BesiegedGateway, startBesiegedGateway } from './besieged-gateway.ts';
import { inspectorArgv, type KeptMemory, keptMemory } from './inspected-memory.ts';
import { pour } from './pour.ts';

const megabyte = 2 ** 20;
const poured = 64 * megabyte;
const manySockets = 300;
/** CONNECT of 16,000 bytes: as long as the gateway gathers one. */
const longestConnect = Buffer.from('10807d', 'hex');
const unfinishedBytes = 15_999;

/** A record of TLS with a piece of a handshake message that says that it is 16 MB long (RFC 8446, section 4). */
const helloPiece = Buffer.concat([Buffer.from('1603014000', 'hex'), Buffer.alloc(16_384, 0x01)]);
const helloStart = Buffer.from('160301000601ffffff0303', 'hex');

describe('a first packet that is never finished', () => {
  let besieged: BesiegedGateway;
  beforeAll(async () => {
    besieged = await startBesiegedGateway(sharedServers(), inspectorArgv);
  });
  afterAll(() => besieged?.[Symbol.asyncDispose]());

  const open = async (port: number): Promise<Socket> => {
    const socket = connectTcp({ host: '127.0.0.1', port });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined).resume();
    await once(socket, 'connect');
    return socket;
  };
  const openSecure = async (): Promise<Socket> => {
    const socket = connectTls({ host: '127.0.0.1', port: besieged.ports.secure, rejectUnauthorized: false });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined).resume();
    await once(socket, 'secureConnect');
    return socket;
  };
  const grown = (before: KeptMemory, after: KeptMemory): number =>
    after.heapUsed + after.external - before.heapUsed - before.external;

  const cases: readonly (readonly [string, () => Promise<Socket>, Buffer, Buffer | undefined])[] = [
    [
      'CONNECT that says it is 256 MB long',
      () => open(besieged.ports.devices),
      Buffer.from('10ffffff7f', 'hex'),
      undefined,
    ],
    ['CONNECT that says the same over TLS', openSecure, Buffer.from('10ffffff7f', 'hex'), undefined],
    ['ClientHello that says it is 16 MB long', () => open(besieged.ports.secure), helloStart, helloPiece],
    ['something that is no TLS', () => open(besieged.ports.secure), Buffer.from('a'), undefined],
    ['HTTP header without an end', () => open(besieged.ports.http), Buffer.from('GET / HTTP/1.1\r\nX: '), undefined],
  ];

  it.each(cases)('%s costs less than 1 MB, when 64 MB of it are sent', async (_what, connect, start, filling) => {
    // The first time, code is compiled and pools are filled.
    for (const isMeasured of [false, true]) {
      const before = await keptMemory(besieged.gateway);
      const socket = await connect();
      socket.write(start);
      const taken = await pour(socket, poured, filling);
      const after = await keptMemory(besieged.gateway);
      socket.destroy();
      if (!isMeasured) continue;
      const rss = (after.rss - before.rss) / megabyte;
      process.stdout.write(
        `[hostile] ${(taken / megabyte).toFixed(1)} MB were taken, ${Math.round(grown(before, after) / 1024)} kB kept, resident ${rss.toFixed(2)} MB more\n`,
      );
      expect(grown(before, after)).toBeLessThan(megabyte);
      // Pages that were used and given back come and go; of 64 MB that were gathered they could not be so few.
      expect(rss).toBeLessThan(8);
    }
  });

  it(`costs its own length and little more in each of ${manySockets} sockets, and nothing when they are gone`, async () => {
    await using waiting = new AsyncDisposableStack();
    const { gateway, ports } = besieged;
    const before = await keptMemory(gateway);
    for (let index = 0; index < manySockets; index += 1) {
      const socket = await open(ports.devices);
      waiting.defer(() => void socket.destroy());
      socket.write(Buffer.concat([longestConnect, Buffer.alloc(unfinishedBytes, 0x61)]));
    }
    await expect
      .poll(() => gateway.metric('edge_mqtt_partial_bytes'), { timeout: 10_000 })
      .toBeGreaterThan(manySockets * unfinishedBytes);
    const during = await keptMemory(gateway);
    expect(grown(before, during)).toBeLessThan(manySockets * 2 * unfinishedBytes);
    await waiting.disposeAsync();
    await expect.poll(() => gateway.metric('edge_mqtt_partial_bytes'), { timeout: 10_000 }).toBe(0);
    expect(grown(before, await keptMemory(gateway))).toBeLessThan(megabyte);
  });
});
