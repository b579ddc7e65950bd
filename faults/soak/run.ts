import { freePort } from '../../deploy/local/ports.ts';
import type { Screen } from '../../device-simulator/report/screen.ts';
import type { MetricSample } from '../../test/support/gateway-process.ts';
import { gatewaySettings } from '../../test/support/gateway-settings.ts';
import { GatewayUnderTest } from '../gateway-under-test.ts';
import { waitForInSync } from '../injectors/partitions.ts';
import { judge, type Verdict } from '../judge/judge.ts';
import { openStage, type Stage } from '../stage.ts';
import { ledgerIn, runLoad, type SoakBed, type SoakLoad } from './load.ts';
import { judgeMemory } from './memory/verdict.ts';
import type { SoakOptions } from './options.ts';
import type { SoakMeasurements } from './result.ts';
import { startUpOf } from './start-up.ts';

/** As many as the site's default; each broker leads some. */
const PARTITIONS = 12;
/**
 * V8 makes its young generation larger when much survives (a burst), up to twice 64 MiB, and gives it back when a full
 * collection finds that little is allocated (a stall of some seconds). In resident memory that is a swing of 130 MB which
 * says nothing about a leak and hides a real one; so it is held at its largest for the whole run.
 */
const HELD_YOUNG_GENERATION = ['--min-semi-space-size=64', '--max-semi-space-size=64'] as const;
/** The old generation, too, is as large as V8 likes to let it get before it collects; so it is told to, see `watchMemory`. */
const COLLECTING = ['--expose-gc', '--import', new URL('memory/collect-on-signal.ts', import.meta.url).href] as const;

/**
 * Starts everything, lets it run, and reads it back.
 *
 * @throws {Error} when it could not be run or measured
 */
export async function runSoak(options: SoakOptions, screen: Screen): Promise<SoakMeasurements> {
  const onLog = (line: string): void => screen.print(line);
  await using stage = await openStage({ vehicles: options.vehicles, needs: new Set(), short: false }, onLog);
  const port = await freePort();
  const { settings, eventsTopic, deadLetterTopic } = settingsOf(stage, port);
  await using gateway = new GatewayUnderTest({ port, settings, execArgv: [...HELD_YOUNG_GENERATION, ...COLLECTING] });
  await gateway.start();
  const topics = { events: eventsTopic, deadLetters: deadLetterTopic };
  const bed: SoakBed = { stage, gateway, topics, ledgerFile: ledgerIn(stage) };
  screen.print(`the gateway is ready; ${options.rate} messages/s for ${options.minutes} minutes, seed ${options.seed}`);
  const load = await runLoad(bed, options, screen);
  await using fleet = load.fleet;
  const summary = await fleet.summary();
  const scrape = await gateway.metrics();
  await fleet.close();
  const exitCode = await gateway.end('SIGTERM');
  await waitForInSync(stage.kafka.bootstrap, [topics.events, topics.deadLetters]);
  screen.keep();
  const judged = await readBack(bed, screen);
  return {
    ...measuredUnder(load, options),
    ...judged,
    options,
    fleet: summary,
    duplicateBound: summary.resent + gateway.possibleDuplicates,
    accountProblems: gateway.accountProblems,
    exitCode,
    cpu: { gatewayS: figure(scrape, 'process_cpu_seconds_total'), fleetS: summary.cpuS },
  };
}

function settingsOf(stage: Stage, port: number) {
  return gatewaySettings({
    bootstrap: stage.kafka.bootstrap,
    registryUrl: stage.registry.url,
    databasePath: stage.databasePath,
    partitions: PARTITIONS,
    sections: {
      listeners: [{ name: 'devices', host: '127.0.0.1', port, auth: 'registry' }],
      log: { level: 'info' },
    },
  });
}

function measuredUnder(load: SoakLoad, options: SoakOptions) {
  const { timeline, startedAtMs, seconds, disturbances, memorySamples } = load;
  const steadyFromS = startUpOf(seconds);
  const steady = memorySamples.filter(({ atS }) => atS >= steadyFromS && atS <= seconds);
  const memory = judgeMemory(steady, options.seed);
  return { timeline, startedAtMs, seconds, disturbances, memorySamples, steadyFromS, memory };
}

async function readBack(
  { stage, topics, ledgerFile }: SoakBed,
  screen: Screen,
): Promise<{ verdict: Verdict; judgedInS: number }> {
  screen.print('reading every record back');
  const startedMs = performance.now();
  const verdict = await judge({
    bootstrap: stage.kafka.bootstrap,
    registryUrl: stage.registry.url,
    ledgerFile,
    topics,
    onProgress: (read, inAll) => screen.update([`${read} of ${inAll} records read back`]),
  });
  return { verdict, judgedInS: (performance.now() - startedMs) / 1000 };
}

function figure(scrape: readonly MetricSample[], name: string): number {
  return scrape.find((sample) => sample.name === name)?.value ?? Number.NaN;
}
