import type { Random } from '../../device-simulator/core/random.ts';
import { frame } from '../gateway/mqtt/websocket/raw-websocket.ts';
import type { BesiegedGateway } from './besieged-gateway.ts';
import { cases } from './cases.ts';
import { firstBytes } from './generators/mqtt.ts';
import { beginsAsHeader, soundHeader, spoiltHeader } from './generators/proxy.ts';
import { firstFrames, laterFrames, soundUpgrade, spoiltUpgrade } from './generators/websocket.ts';
import { flawOfMqtt } from './judge/mqtt.ts';
import { flawOfWebSocket } from './judge/websocket.ts';
import { rightfulConnect, type Surface, versionOf } from './surface.ts';
import { talk } from './talk.ts';

const { wire } = cases;
/** Whoever waits for the rest of something is not waited for longer. */
const patienceMs = 200;

/** What carries MQTT: headers of a load balancer, and WebSocket, each by itself and one behind the other. */
export function transportSurfaces(besieged: BesiegedGateway): readonly Surface[] {
  const { ports } = besieged;
  /** Every fourth WebSocket comes by a load balancer, whose header is in one piece with what follows. */
  const talkWebSocket = (random: Random, index: number, bytes: Buffer, next: readonly Buffer[]): Promise<Buffer> =>
    index % 4 === 3
      ? talk(ports.proxiedWebSocket, { bytes: Buffer.concat([soundHeader(random), bytes]), next, patienceMs })
      : talk(ports.webSocket, { bytes, next, patienceMs });
  return [
    {
      name: 'headers of the PROXY protocol',
      number: 8,
      count: wire.proxyHeaders,
      attack: async (random, slot, index) => {
        const version = versionOf(index);
        // Behind a sound header MQTT is spoilt; behind a spoilt one it is right, so that it would be noticed if it counted.
        const parts =
          index % 4 === 0
            ? [soundHeader(random), firstBytes(version, random)]
            : [spoiltHeader(random), rightfulConnect(version, slot, besieged)];
        const bytes = Buffer.concat(parts);
        const received = await talk(ports.proxied, { bytes, next: [], patienceMs });
        if (received.length > 0 && !beginsAsHeader(bytes)) throw new Error('served without a header');
        return received;
      },
      flawOf: flawOfMqtt,
    },
    {
      name: 'WebSocket, requests for an upgrade',
      number: 9,
      count: wire.webSocketUpgrades,
      attack: (random, slot, index) => {
        const connect = frame(rightfulConnect(versionOf(index), slot, besieged));
        const request = spoiltUpgrade(random);
        // It may come together with what is sent once it is granted.
        const isTogether = random.chance(0.3);
        const bytes = isTogether ? Buffer.concat([request, connect]) : request;
        return talkWebSocket(random, index, bytes, isTogether ? [] : [connect]);
      },
      flawOf: flawOfWebSocket,
    },
    {
      name: 'WebSocket, frames',
      number: 10,
      count: wire.webSocketFrames,
      attack: (random, slot, index) => {
        const version = versionOf(index);
        const next =
          index % 3 === 0
            ? [firstFrames(version, random)]
            : [frame(rightfulConnect(version, slot, besieged)), laterFrames(version, random)];
        return talkWebSocket(random, index, soundUpgrade(), next);
      },
      flawOf: flawOfWebSocket,
    },
  ];
}
