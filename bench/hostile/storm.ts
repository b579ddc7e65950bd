import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { GatewayProcess } from '../../test/support/gateway-process.ts';
import type { Percentiles } from '../load/latencies.ts';
import { processCpuUs } from '../measure/processes.ts';
import { type HonestDevice, HonestFleet } from './honest-fleet.ts';
import type { StormOrder, StormResult } from './storm-fleet.ts';

export interface StormOptions {
  readonly gateway: GatewayProcess;
  /** Of the authority, in PEM. */
  readonly ca: string;
  /** Registered. The first ones are connected all the time and publish, the others storm. */
  readonly devices: readonly HonestDevice[];
  readonly publishers: number;
  readonly messagesPerSecond: number;
  readonly quietSeconds: number;
}

export interface OneStorm extends StormResult {
  /** CPU of the gateway from the first socket to the last CONNACK, for each device that stormed. */
  readonly cpuMsPerDevice: number;
  /** Share of one core. */
  readonly cpuShare: number;
  /** What those saw meanwhile that were connected. */
  readonly connected: Percentiles;
}

export interface StormFigures {
  readonly devices: number;
  readonly quiet: Percentiles;
  readonly full: OneStorm;
  readonly resumed: OneStorm;
  readonly sent: number;
  readonly acknowledged: number;
  /** Connections of the publishers that were closed. */
  readonly closed: number;
}

/** All devices connect at once: with full TLS handshakes, then, after they were cut off, by resuming their sessions. */
export async function measureStorm(options: StormOptions): Promise<StormFigures> {
  const { gateway, ca, devices, publishers, messagesPerSecond, quietSeconds } = options;
  const port = gateway.mqttPort();
  await using fleet = new HonestFleet(devices.slice(0, publishers));
  await fleet.connect({ port, localAddress: '127.0.0.1', tls: { ca } });
  fleet.start(messagesPerSecond);
  await pause(quietSeconds / 2);
  fleet.look();
  await pause(quietSeconds);
  const quiet = fleet.look().latency;

  const stormers = devices.slice(publishers).map(({ deviceId, password }) => ({ deviceId, password }));
  const child = fork(join(import.meta.dirname, 'storm-fleet.ts'), { execArgv: [] });
  try {
    const storm = async (resume: boolean): Promise<OneStorm> => {
      fleet.look();
      return await oneStorm(gateway, fleet, child, { port, ca, devices: stormers, resume });
    };
    const full = await storm(false);
    // Tickets come after the handshake; and the gateway is to be idle again.
    await pause(quietSeconds);
    const resumed = await storm(true);
    fleet.stop();
    await pause(1);
    const { sent, acknowledged, closed } = fleet;
    return { devices: stormers.length, quiet, full, resumed, sent, acknowledged, closed };
  } finally {
    child.kill('SIGKILL');
  }
}

async function oneStorm(
  gateway: GatewayProcess,
  fleet: HonestFleet,
  child: ChildProcess,
  order: StormOrder,
): Promise<OneStorm> {
  const pid = gateway.child.pid ?? 0;
  const cpuBeforeUs = processCpuUs(pid);
  child.send(order);
  const [result] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('the storming fleet has ended without a result'))),
  ])) as [StormResult];
  const cpuMs = (processCpuUs(pid) - cpuBeforeUs) / 1000;
  return {
    ...result,
    cpuMsPerDevice: cpuMs / order.devices.length,
    cpuShare: cpuMs / 1000 / result.seconds,
    connected: fleet.look().latency,
  };
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
