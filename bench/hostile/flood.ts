import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { GatewayProcess } from '../../test/support/gateway-process.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { Percentiles } from '../load/latencies.ts';
import type { Attack, AttackResult } from './attacker.ts';
import { type HonestDevice, HonestFleet } from './honest-fleet.ts';
import { logIn } from './wire.ts';

export interface FloodOptions {
  readonly gateway: GatewayProcess;
  /** Registered; the first ones publish, the others only log in while it lasts. */
  readonly devices: readonly HonestDevice[];
  readonly publishers: number;
  readonly messagesPerSecond: number;
  readonly quietSeconds: number;
  readonly logins: number;
  readonly loginsPerSecond: number;
  readonly addresses: number;
}

interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface FloodFigures {
  readonly quiet: Percentiles;
  readonly during: Percentiles;
  readonly quietLoop: LoopDelay;
  readonly duringLoop: LoopDelay;
  /** During ÷ quiet. */
  readonly p99Ratio: number;
  readonly attack: AttackResult;
  /** Publishes, acknowledgements, and closed connections of the devices that publish. */
  readonly sent: number;
  readonly acknowledged: number;
  readonly closed: number;
  /** What devices were told that logged in meanwhile: with credentials from before, and for the first time. */
  readonly returning: Readonly<Record<string, number>>;
  readonly newcomers: Readonly<Record<string, number>>;
  readonly bans: number;
}

const home = '127.0.0.1';
const visitEveryMs = 100;
const answerDeadlineMs = 60_000;

/** Wrong logins by the thousand, in the names of real devices and of none, while honest ones publish and log in. */
export async function measureFlood(options: FloodOptions): Promise<FloodFigures> {
  const { gateway, devices, publishers, messagesPerSecond, quietSeconds } = options;
  const port = gateway.mqttPort();
  const route = { port, localAddress: home };
  await using fleet = new HonestFleet(devices.slice(0, publishers));
  await fleet.connect(route);
  fleet.start(messagesPerSecond);
  // Warm, and its figures thrown away.
  await pause(quietSeconds / 2);
  fleet.look();
  await loopDelay(gateway);
  await pause(quietSeconds);
  const quiet = fleet.look();
  const quietLoop = await loopDelay(gateway);

  const names = devices.map(({ deviceId }) => deviceId);
  const { logins, loginsPerSecond, addresses } = options;
  const visits = new Visits(devices.slice(0, publishers), devices.slice(publishers), route);
  visits.start();
  const attack = await runAttack({ port, logins, perSecond: loginsPerSecond, addresses, names });
  const during = fleet.look();
  const duringLoop = await loopDelay(gateway);
  await visits.stop();
  fleet.stop();
  await waitFor(() => fleet.acknowledged === fleet.sent, {
    deadlineMs: answerDeadlineMs,
    what: () => `acknowledgements: ${fleet.acknowledged} of ${fleet.sent}`,
  });
  return {
    quiet: quiet.latency,
    during: during.latency,
    quietLoop,
    duringLoop,
    p99Ratio: during.latency.p99Ms / quiet.latency.p99Ms,
    attack,
    sent: fleet.sent,
    acknowledged: fleet.acknowledged,
    closed: fleet.closed,
    returning: visits.returning,
    newcomers: visits.newcomers,
    bans: await gateway.metric('edge_limits_bans_total'),
  };
}

/** Honest devices that log in while it lasts, in turn one that has done so before and one that has not. */
class Visits {
  readonly #known: readonly HonestDevice[];
  readonly #unknown: readonly HonestDevice[];
  readonly #route: Parameters<typeof logIn>[0];
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  readonly returning: Record<string, number> = {};
  readonly newcomers: Record<string, number> = {};

  constructor(known: readonly HonestDevice[], unknown: readonly HonestDevice[], route: Parameters<typeof logIn>[0]) {
    this.#known = known;
    this.#unknown = unknown;
    this.#route = route;
  }

  start(): void {
    this.#timer = setInterval(() => this.#visit(), visitEveryMs);
  }

  #visit(): void {
    const index = Math.floor(this.#count / 2);
    const isKnown = this.#count % 2 === 0;
    this.#count += 1;
    const device = isKnown ? this.#known[index % this.#known.length] : this.#unknown[index];
    if (device === undefined) return;
    const told = isKnown ? this.returning : this.newcomers;
    // Not under its own client identifier: it would take its own session over.
    const visit = logIn(this.#route, device, false, `${device.deviceId}-again`).then(({ answer }) => {
      told[answer] = (told[answer] ?? 0) + 1;
      this.#underWay.delete(visit);
    });
    this.#underWay.add(visit);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }
}

async function runAttack(order: Attack): Promise<AttackResult> {
  const child = fork(join(import.meta.dirname, 'attacker.ts'), { execArgv: [] });
  try {
    child.send(order);
    const [result] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the attacker has ended without a result'))),
    ]);
    return result as AttackResult;
  } finally {
    child.kill('SIGKILL');
  }
}

/** Of the gateway's event loop since the last look: looking begins a new window. */
async function loopDelay(gateway: GatewayProcess): Promise<LoopDelay> {
  const metrics = await gateway.metrics();
  const ms = (name: string): number => (metrics.find((sample) => sample.name === name)?.value ?? Number.NaN) * 1000;
  return { p99Ms: ms('nodejs_eventloop_lag_p99_seconds'), maxMs: ms('nodejs_eventloop_lag_max_seconds') };
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
