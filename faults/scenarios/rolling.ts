import { waitFor } from '../../deploy/local/wait-for.ts';
import type { GatewayUnderTest } from '../gateway-under-test.ts';
import type { Scenario, World } from '../scenario.ts';
import { someAnswers } from './demands.ts';

const drainDeadlineMs = 10_000;
const MOVE_DEADLINE_MS = 30_000;

export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  title: 'Rolling restart',
  what: 'two gateways share the fleet under load; one after the other is stopped and started (three times over in the long form): devices move to the one that they are referred to; nothing is lost, and nothing is stored twice',
  gateways: 2,
  settings: { shutdown: { drainDeadlineMs } },
  // How long one of them is away.
  seconds: { short: 2, long: 10 },
  fault: async (world, seconds) => {
    const rounds = world.form.short ? 1 : 3;
    for (let round = 1; round <= rounds; round += 1) {
      for (const [index, gateway] of world.gateways.entries()) {
        await restart(world, gateway, `gateway ${index + 1}`, seconds);
      }
    }
    const { reasons } = await world.fleet.summary();
    const wereReferred = reasons.some(([reason]) => reason.includes('use another server'));
    world.demand(wereReferred, 'no device was referred to the other gateway');
  },
  noDuplicates: true,
};

/** Stops one gateway, waits until all devices are with the other, and starts it again. Shows how long each step took. */
async function restart(world: World, gateway: GatewayUnderTest, name: string, seconds: number): Promise<void> {
  const { connected: all } = await world.fleet.summary();
  const moving = await gateway.metric('edge_mqtt_connections');
  world.demand(moving > 0, `${name} had no device that could move`);
  world.mark(`SIGTERM to ${name}, which has ${moving} of ${all} devices`);
  const stopped = stopwatch();
  const exitCode = await gateway.end('SIGTERM');
  const stoppedIn = stopped();
  world.demand(exitCode === 0, `${name} ended with exit code ${exitCode}, not 0`);
  await waitFor(async () => (await world.fleet.summary()).connected === all, {
    ...{ deadlineMs: MOVE_DEADLINE_MS, everyMs: 20, what: `the devices of ${name} to be connected again` },
  });
  world.mark(`${name}: stopped in ${stoppedIn} (${drainSteps(gateway)}), all devices connected after ${stopped()}`);
  await someAnswers(world, seconds, `while ${name} was away`);
  const started = stopwatch();
  await gateway.start();
  world.mark(`${name}: ready again in ${started()}`);
}

/** The steps of the last drain, as the gateway logged them. */
function drainSteps({ log }: GatewayUnderTest): string {
  const ofLast = log.slice(log.findLastIndex(({ event }) => event === 'gateway_draining') + 1);
  const steps = ofLast.filter(({ event }) => event === 'gateway_drain_step');
  return steps.map(({ step, durationMs }) => `${String(step)} ${Math.round(Number(durationMs))} ms`).join(', ');
}

function stopwatch(): () => string {
  const fromMs = performance.now();
  return () => `${((performance.now() - fromMs) / 1000).toFixed(2)} s`;
}
