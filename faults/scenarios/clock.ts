import { QuietDevice } from '../quiet-device.ts';
import type { Scenario, World } from '../scenario.ts';
import { someAnswers } from './demands.ts';

/** A little more than an hour: by default, Kafka takes no record whose time lies further ahead than that. */
const wrongByMs = 62 * 60_000;
/** Reports of devices whose clocks are right stay valid for a gateway whose clock is an hour wrong. */
const validation = { maxClockAheadSeconds: 7200 };

/** Shifts the gateway's clock, lets it work so, and sets it right: two steps, one in each direction. */
async function shift(world: World, offsetMs: number, seconds: number): Promise<void> {
  const clock = world.clock;
  if (clock === undefined) throw new Error('the gateway runs without a clock that can be shifted');
  world.mark(`clock ${offsetMs > 0 ? '+' : '−'} 62 min`);
  await clock.set(offsetMs);
  await someAnswers(world, seconds / 2, 'while the clock was wrong');
  world.demand(await QuietDevice.isRefused(world), 'a device with a wrong secret was let in');
  world.mark('clock set right');
  await clock.set(0);
  await someAnswers(world, seconds / 2, 'after the clock was set right');
  // Its log tells what it took for the time when it refused the device.
  const shownMs = world.gateway.log.map(({ time }) => Date.parse(String(time)) - Date.now()).filter(Number.isFinite);
  const furthest = shownMs.reduce((most, each) => (Math.abs(each) > Math.abs(most) ? each : most), 0);
  world.demand(
    Math.sign(furthest) === Math.sign(offsetMs) && Math.abs(furthest) > wrongByMs * 0.9,
    `the gateway's log never shows the wrong time, at most ${Math.round(furthest / 1000)} s off`,
  );
}

export const clockForward: Scenario = {
  name: 'clock-forward',
  title: 'Clock an hour ahead',
  what: "the gateway's clock steps 62 minutes forward and back while it works: acknowledgements flow, nothing waits for an hour",
  clock: true,
  settings: { validation },
  seconds: { short: 8, long: 60 },
  fault: (world, seconds) => shift(world, wrongByMs, seconds),
};

export const clockBack: Scenario = {
  name: 'clock-back',
  title: 'Clock an hour behind',
  what: "the gateway's clock steps 62 minutes back and forward while it works: acknowledgements flow, nothing waits for an hour",
  clock: true,
  settings: { validation },
  seconds: { short: 8, long: 60 },
  fault: (world, seconds) => shift(world, -wrongByMs, seconds),
};
