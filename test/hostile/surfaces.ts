import { administrationSurface } from './administration-surface.ts';
import { attacker, type BesiegedGateway } from './besieged-gateway.ts';
import { cases } from './cases.ts';
import { spoiltRequest } from './generators/http.ts';
import { firstBytes, spoiltPackets } from './generators/mqtt.ts';
import { captureClientHellos, spoiltHello } from './generators/tls.ts';
import { SpoiltTokens } from './generators/tokens.ts';
import { flawOfHttp } from './judge/http.ts';
import { flawOfMqtt } from './judge/mqtt.ts';
import { flawOfTls } from './judge/tls.ts';
import { fuzzSeed, randomOf } from './seed.ts';
import { talkSpoiltTls } from './spoilt-tls.ts';
import { connectOf, rightfulConnect, type Surface, versionOf } from './surface.ts';
import { talk } from './talk.ts';
import { transportSurfaces } from './transport-surfaces.ts';

/**
 * All that a run attacks, one connection per case. A new input of the gateway is added here: its cases go into `cases.ts`,
 * what makes them into `generators/`, what its peers may be told into `judge/`. The number 7 is that of payloads.
 */
export async function surfacesOf(besieged: BesiegedGateway): Promise<readonly Surface[]> {
  const { ports, issuer } = besieged;
  const { wire } = cases;
  const hellos = await captureClientHellos();
  const tokens = await SpoiltTokens.prepare(issuer, attacker(0).deviceId, randomOf(0, fuzzSeed));
  return [
    {
      name: 'MQTT, the first bytes',
      number: 1,
      count: wire.mqttFirstBytes,
      attack: (random, _slot, index) => {
        const bytes = firstBytes(versionOf(index), random);
        // Who goes at once is not answered any more once it comes to credentials: some stay for that.
        return talk(ports.devices, index % 4 < 2 ? { bytes, next: [], patienceMs: 50 } : { bytes });
      },
      flawOf: flawOfMqtt,
    },
    {
      name: 'MQTT, packets of a device that is connected',
      number: 2,
      count: wire.mqttPackets,
      attack: (random, slot, index) =>
        talk(ports.devices, {
          bytes: rightfulConnect(versionOf(index), slot, besieged),
          next: [spoiltPackets(versionOf(index), random)],
        }),
      flawOf: flawOfMqtt,
    },
    {
      name: 'TLS, the first bytes',
      number: 3,
      count: wire.tlsHellos,
      attack: (random) => talk(ports.secure, { bytes: spoiltHello(hellos, random) }),
      flawOf: flawOfTls,
    },
    {
      name: 'TLS, records on the way',
      number: 4,
      count: wire.tlsRecords,
      attack: (random, slot, index) =>
        talkSpoiltTls(ports.secure, rightfulConnect(versionOf(index), slot, besieged), random),
      flawOf: flawOfTls,
    },
    {
      name: 'tokens',
      number: 5,
      count: wire.tokens,
      attack: (random, slot, index) => {
        const { deviceId } = attacker(slot);
        const password = Buffer.from(tokens.make(random).token);
        const bytes = connectOf(versionOf(index), { clientId: deviceId, username: deviceId, password });
        return talk(ports.tokens, { bytes, next: [] });
      },
      flawOf: flawOfMqtt,
    },
    {
      name: 'HTTP of health and metrics',
      number: 6,
      count: wire.httpRequests,
      attack: (random) => talk(ports.http, { bytes: spoiltRequest(random) }),
      flawOf: (received, secrets) =>
        flawOfHttp(
          received,
          secrets.filter((secret) => !besieged.topics.includes(secret)),
        ),
    },
    ...transportSurfaces(besieged),
    administrationSurface(besieged),
  ];
}
