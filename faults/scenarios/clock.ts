import type { Scenario, World } from '../scenario.ts';
import { someAnswers } from './demands.ts';

const hourMs = 3_600_000;
/** Reports of devices whose clocks are right stay valid for a gateway whose clock is an hour wrong. */
const validation = { maxClockAheadSeconds: 7200 };

/** Shifts the gateway's clock, lets it work so, and sets it right: two steps, one in each direction. */
async function shift(world: World, offsetMs: number, seconds: number): Promise<void> {
  const clock = world.clock;
  if (clock === undefined) throw new Error('the gateway runs without a clock that can be shifted');
  world.mark(`clock ${offsetMs > 0 ? '+' : '−'} 1 h`);
  await clock.set(offsetMs);
  await someAnswers(world, seconds / 2, 'while the clock was wrong');
  world.mark('clock set right');
  await clock.set(0);
  await someAnswers(world, seconds / 2, 'after the clock was set right');
  // Its log tells what it takes for the time; the fleet's invalid reports keep it logging.
  const shownMs = world.gateway.log.map(({ time }) => Date.parse(String(time)) - Date.now()).filter(Number.isFinite);
  const furthest = shownMs.reduce((most, each) => (Math.abs(each) > Math.abs(most) ? each : most), 0);
  world.demand(
    Math.sign(furthest) === Math.sign(offsetMs) && Math.abs(furthest) > hourMs * 0.9,
    `the gateway's log never shows the wrong time, at most ${Math.round(furthest / 1000)} s off`,
  );
}

export const clockForward: Scenario = {
  name: 'clock-forward',
  title: 'Clock an hour ahead',
  what: "the gateway's clock steps one hour forward and back while it works: acknowledgements flow, nothing waits for an hour",
  clock: true,
  settings: { validation },
  seconds: { short: 8, long: 60 },
  fault: (world, seconds) => shift(world, hourMs, seconds),
};

export const clockBack: Scenario = {
  name: 'clock-back',
  title: 'Clock an hour behind',
  what: "the gateway's clock steps one hour back and forward while it works: acknowledgements flow, nothing waits for an hour",
  clock: true,
  settings: { validation },
  seconds: { short: 8, long: 60 },
  fault: (world, seconds) => shift(world, -hourMs, seconds),
};
