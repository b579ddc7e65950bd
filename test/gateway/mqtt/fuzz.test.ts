import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { generate } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { anyPacket } from './decode/arbitraries.ts';
import { join, RawClient, startEdge, until } from './support.ts';

const connect = (version: 4 | 5) =>
  generate(
    { cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, clean: true, clientId: 'fuzz', keepalive: 60 },
    { protocolVersion: version },
  );

describe.each([4, 5] as const)('a server for version %i under damaged streams', (version) => {
  it('ends or serves each connection, throws nothing, and serves the others', async () => {
    const edge = await startEdge({ receive: (publish) => publish.answer({ kind: 'delivered' }) });
    const other = await join(edge, { clientId: 'other', username: 'other', password: 'x' });
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 });
    const stream = fc.tuple(fc.array(anyPacket(version), { minLength: 1, maxLength: 5 }), changes, fc.boolean());
    await fc.assert(
      fc.asyncProperty(stream, async ([packets, damages, joined]) => {
        const bytes = Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: version })));
        for (const [at, value] of damages) bytes[at % bytes.length] = value;
        const client = new RawClient(edge.port, version);
        if (joined) client.write(connect(version));
        client.socket.end(bytes);
        await until(() => client.closed, 'the connection to end');
        await until(() => edge.server.sockets === 1, 'the socket to be gone');
        expect(edge.seen.of('internalError')).toEqual([]);
      }),
      { numRuns: 150 },
    );
    await other.nothingSent();
  });
});
