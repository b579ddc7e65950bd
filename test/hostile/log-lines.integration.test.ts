import { connect } from 'node:net';
import { generate, type Packet } from 'mqtt-packet';
import { expect, it } from 'vitest';
import { GatewayProcess } from '../support/gateway-process.ts';
import { gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';

/** What ends a line, or writes over one, for some reader of it: a shell, a terminal, JavaScript, a viewer of logs. */
const ends = ['\n', '\r\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029'];
const covers = ['\x1b[2K\x1b[1A', '\u009b2K', '\b\b\b\b', '\x7f', '\u202e', '\u2066'];
const forgery = '{"level":"fatal","event":"forged","msg":"all is lost"}';

/** Sends packets one behind the other, and waits until the gateway has closed the connection or a second has passed. */
function send(port: number, packets: readonly Packet[], protocolVersion: 4 | 5): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.setTimeout(300, () => socket.end());
    socket.resume();
    for (const packet of packets) socket.write(generate(packet, { protocolVersion }));
  });
}

const packetsOf = (text: string, version: 4 | 5): readonly Packet[][] => {
  const hello = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, clean: true, keepalive: 60 } as const;
  const name = `d${text}`;
  const publish = { cmd: 'publish', qos: 1, messageId: 1, dup: false, retain: false } as const;
  return [
    [{ ...hello, clientId: name } as Packet],
    [{ ...hello, clientId: 'd', username: name, password: Buffer.from(text) } as Packet],
    [{ ...hello, clientId: 'd', will: { topic: name, payload: Buffer.from(text), qos: 1, retain: false } } as Packet],
    [{ ...hello, clientId: 'd' } as Packet, { ...publish, topic: `v1/vehicles/${name}/telemetry`, payload: text }],
    [
      { ...hello, clientId: 'd' } as Packet,
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: name, qos: 0 }] } as Packet,
    ],
  ];
};

it('are never forged, split or written over by what a stranger calls himself or his topics', async () => {
  const { bootstrap, registryUrl } = sharedServers();
  const { settings } = gatewaySettings({
    bootstrap,
    registryUrl,
    sections: {
      listeners: [
        { name: 'devices', host: '127.0.0.1', port: 0, auth: 'anonymous' },
        { name: 'known', host: '127.0.0.1', port: 0, auth: 'registry' },
      ],
      identity: { databasePath: 'devices.sqlite' },
    },
  });
  await using gateway = await GatewayProcess.spawn(settings);
  const written: string[] = [];
  gateway.child.stdout?.on('data', (chunk: Buffer | string) => written.push(String(chunk)));
  await gateway.untilReady();
  for (const listener of ['devices', 'known']) {
    const conversations = [...ends, ...covers].map((text, index) =>
      packetsOf(`${text}${forgery}${text}`, index % 2 === 0 ? 4 : 5),
    );
    // Of one kind after the other: of each event, only the first twenty in ten seconds have lines.
    for (let kind = 0; kind < 5; kind += 1) {
      const ofKind = conversations.map((each) => each[kind] ?? []);
      await Promise.all(
        ofKind.map((packets, index) => send(gateway.mqttPort(listener), packets, index % 2 === 0 ? 4 : 5)),
      );
    }
  }
  gateway.kill('SIGTERM');
  await gateway.exited();

  const log = written.join('');
  expect(log).toContain('forged');
  for (const end of [...ends.slice(1), ...covers]) expect(log.includes(end)).toBe(false);
  const lines = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.filter(({ event }) => event === 'forged')).toEqual([]);
  expect(gateway.log.filter(({ event }) => event === 'plain_text')).toEqual([]);
});
