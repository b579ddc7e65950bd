import { generate, type Packet } from 'mqtt-packet';
import type { Random } from '../../device-simulator/core/random.ts';
import { attacker, type BesiegedGateway } from './besieged-gateway.ts';
import type { Version } from './generators/mqtt.ts';

/** What a case was answered: everything that came back. */
type Attack = (random: Random, slot: number, index: number) => Promise<Buffer>;

/** Something of the gateway that strangers can send bytes to. */
export interface Surface {
  readonly name: string;
  /** Tells its randomness from that of others. Never changed, so that a seed stays what it was. */
  readonly number: number;
  readonly count: number;
  readonly attack: Attack;
  /** What is wrong with what came back. */
  readonly flawOf: (received: Buffer, secrets: readonly string[]) => string | undefined;
}

export const versionOf = (index: number): Version => (index % 2 === 0 ? 4 : 5);

export const connectOf = (version: Version, fields: object): Buffer =>
  generate(
    { cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, clean: true, keepalive: 60, ...fields } as Packet,
    { protocolVersion: version },
  );

/** CONNECT of a device that has a right to connect. */
export function rightfulConnect(version: Version, slot: number, { passwords }: BesiegedGateway): Buffer {
  const { deviceId } = attacker(slot);
  const password = Buffer.from(passwords.get(deviceId) ?? '');
  return connectOf(version, { clientId: deviceId, username: deviceId, password });
}
