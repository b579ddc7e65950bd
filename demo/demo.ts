import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalServerError } from '../deploy/local/progress.ts';
import { startTogether } from '../deploy/local/start-together.ts';
import { type SimulatorSettings, simulatorDefaults } from '../device-simulator/config/settings.ts';
import { createFleet } from '../device-simulator/core/fleet.ts';
import type { Screen } from '../device-simulator/report/screen.ts';
import { type SimulationResult, type SimulationSignals, simulate } from '../device-simulator/simulate.ts';
import { addresses, type RunningDemo } from './addresses.ts';
import { readAlerts } from './alerts.ts';
import { registerFleet } from './devices.ts';
import { startGateway } from './gateway.ts';
import { choosePorts } from './ports.ts';
import type { DemoSettings } from './settings.ts';

/**
 * Starts everything, runs the fleet, compares with Kafka, and ends everything in the reverse order, whatever happens.
 *
 * @param signals `stop` while starting: give up; while the fleet runs: stop it and come to the verdict; afterwards, with
 *   `keep`: end
 * @returns undefined when it was stopped before the fleet ran
 * @throws {LocalServerError} for what is missing on this machine, and when a part died
 */
export async function runDemo(
  settings: DemoSettings,
  screen: Screen,
  signals: SimulationSignals,
): Promise<SimulationResult | undefined> {
  await using cleanup = new AsyncDisposableStack();
  const died = new AbortController();
  const folder = await mkdtemp(join(tmpdir(), 'edge-demo-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const giveUp = AbortSignal.any([signals.stop, died.signal]);
  try {
    const demo = await start(settings, folder, screen, giveUp, cleanup, (error) => died.abort(error));
    const result = await simulate(simulatorSettings(settings, demo), screen, {
      stop: giveUp,
      abandon: AbortSignal.any([signals.abandon, died.signal]),
    });
    died.signal.throwIfAborted();
    screen.print(await readAlerts(demo.ports.admin));
    if (settings.keep && !signals.stop.aborted) {
      screen.print('', ...(await addresses(demo)));
      await aborted(giveUp);
      died.signal.throwIfAborted();
    }
    screen.print('ending gateway, registry and Kafka');
    return result;
  } catch (error) {
    // When a part died, what fails next fails because of it.
    if (died.signal.aborted) throw died.signal.reason;
    if (signals.stop.aborted && error === signals.stop.reason) return undefined;
    throw error;
  }
}

async function start(
  settings: DemoSettings,
  folder: string,
  screen: Screen,
  signal: AbortSignal,
  cleanup: AsyncDisposableStack,
  onUnexpectedEnd: (error: LocalServerError) => void,
): Promise<RunningDemo> {
  const ports = await choosePorts(settings.brokers);
  const onLog = (line: string): void => screen.print(line);
  const { kafka, registry } = await startTogether({
    kafka: { brokers: settings.brokers, ports: ports.kafka, onLog, onUnexpectedEnd },
    registry: { port: ports.registry, onLog, onUnexpectedEnd },
    signal,
  });
  cleanup.defer(async () => {
    await Promise.all([kafka.close(), registry.close()]);
  });
  const [databasePath, devicesCsv] = [join(folder, 'devices.sqlite'), join(folder, 'devices.csv')];
  const fleet = createFleet({ ...settings, runId: 0 });
  const secrets = await registerFleet(databasePath, devicesCsv, fleet);
  screen.print(`${fleet.length} devices registered; starting the gateway`);
  const common = { folder, ports, bootstrap: kafka.bootstrap, registryUrl: registry.url };
  const gateway = await startGateway({ ...common, databasePath, signal, onUnexpectedEnd });
  cleanup.defer(() => gateway.close());
  screen.print(`the gateway is ready: MQTT on port ${ports.mqtt}`, '');
  const { vehicles, bays } = settings;
  return { ...common, devicesCsv, logFile: gateway.logFile, topic: simulatorDefaults.topic, secrets, vehicles, bays };
}

function simulatorSettings(settings: DemoSettings, demo: RunningDemo): SimulatorSettings {
  return {
    ...simulatorDefaults,
    addresses: [{ host: '127.0.0.1', port: demo.ports.mqtt }],
    followsAnyServer: false,
    version: 5,
    vehicles: settings.vehicles,
    bays: settings.bays,
    rate: settings.rate,
    seconds: settings.seconds,
    seed: settings.seed,
    secrets: { kind: 'file', path: demo.devicesCsv },
    verify: { kafka: demo.bootstrap, registryUrl: demo.registryUrl, topics: [demo.topic] },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
