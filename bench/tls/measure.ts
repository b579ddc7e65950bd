import { setTimeout as delay } from 'node:timers/promises';
import { settledBytes } from '../measure/idle-memory.ts';
import { median } from '../measure/median.ts';
import type { Placement } from '../measure/placement.ts';
import { processCpuUs } from '../measure/processes.ts';
import type { Server } from '../servers/launch.ts';
import { type TlsBed, TlsLoad } from './bed.ts';
import type { HandshakeCost } from './protocol.ts';

export interface TlsOptions {
  readonly connections: number;
  readonly handshakes: number;
  readonly rounds: number;
}

export const serverNames = ['bare', 'gateway'] as const;
export type ServerName = (typeof serverNames)[number];

/** What one server costs; medians over the rounds. */
export interface TlsCost {
  readonly idleBytes: number;
  readonly fullUs: number;
  readonly resumedUs: number;
}

export type TlsMeasurements = Readonly<Record<ServerName, TlsCost>>;

/** Connections that come and go before memory is measured, so that what is allocated once is not counted. */
const warmUpConnections = 300;
const warmUpHandshakes = 1_000;
const restSeconds = 5;

/** Memory per idle connection of both servers, then their handshakes in turns: each round both, full and resumed. */
export async function measureTls(
  bed: TlsBed,
  options: TlsOptions,
  placement: Placement,
  onLog: (line: string) => void,
): Promise<TlsMeasurements> {
  const idle = { bare: 0, gateway: 0 };
  for (const name of serverNames) {
    idle[name] = await idleBytes(bed, name, options.connections, placement);
    onLog(`${name}: ${Math.round(idle[name])} bytes per idle connection`);
  }
  const us = {
    bare: { full: [] as number[], resumed: [] as number[] },
    gateway: { full: [] as number[], resumed: [] as number[] },
  };
  await using load = new TlsLoad(bed.files, placement);
  for (const name of serverNames) await askHandshakes(load, bed[name], warmUpHandshakes, false);
  const restUs = await cpuAtRest(bed);
  onLog(`at rest: ${serverNames.map((name) => `${name} ${Math.round(restUs[name])} µs CPU per second`).join(', ')}`);
  for (let round = 0; round < options.rounds; round += 1) {
    const order = round % 2 === 0 ? serverNames : serverNames.toReversed();
    for (const resumed of [false, true]) {
      for (const name of order) {
        const { cpuUs, seconds } = await askHandshakes(load, bed[name], options.handshakes, resumed);
        const each = (cpuUs - restUs[name] * seconds) / options.handshakes;
        us[name][resumed ? 'resumed' : 'full'].push(each);
        onLog(`round ${round + 1}, ${name}: ${Math.round(each)} µs CPU per ${resumed ? 'resumed' : 'full'} handshake`);
      }
    }
  }
  const of = (name: ServerName): TlsCost => ({
    idleBytes: idle[name],
    fullUs: median(us[name].full) as number,
    resumedUs: median(us[name].resumed) as number,
  });
  return { bare: of('bare'), gateway: of('gateway') };
}

async function askHandshakes(
  load: TlsLoad,
  { port, pid }: Server,
  count: number,
  resumed: boolean,
): Promise<HandshakeCost> {
  const reply = await load.ask({ kind: 'handshakes', port, count, resumed, serverPid: pid });
  if (reply.kind !== 'measured') throw new Error(`the load answered ${reply.kind}`);
  return reply.cost;
}

/** CPU per second of each server while nobody connects: what the gateway does for itself and Kafka is no handshake's. */
async function cpuAtRest({ bare, gateway }: TlsBed): Promise<Readonly<Record<ServerName, number>>> {
  const before = { bare: processCpuUs(bare.pid), gateway: processCpuUs(gateway.pid) };
  await delay(restSeconds * 1000);
  return {
    bare: (processCpuUs(bare.pid) - before.bare) / restSeconds,
    gateway: (processCpuUs(gateway.pid) - before.gateway) / restSeconds,
  };
}

async function idleBytes(bed: TlsBed, name: ServerName, connections: number, placement: Placement): Promise<number> {
  const server = bed[name];
  const request = { kind: 'idle', port: server.port, speaksMqtt: name === 'gateway' } as const;
  {
    await using warmUp = new TlsLoad(bed.files, placement);
    await warmUp.ask({ ...request, connections: Math.min(connections, warmUpConnections) });
  }
  const before = await settledBytes(server);
  await using load = new TlsLoad(bed.files, placement);
  await load.ask({ ...request, connections });
  return ((await settledBytes(server)) - before) / connections;
}
