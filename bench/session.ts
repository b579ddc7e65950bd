import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRegistry } from '../deploy/local/registry.ts';
import { Cluster, telemetryTopic } from './cluster.ts';
import { type Placement, pinRunning } from './measure/placement.ts';
import type { BenchOptions, Part } from './parts.ts';
import { everythingOn, writeFences } from './servers/everything.ts';
import { launchBaseline, launchGateway, launchLimit, lingerMs, registerFleet, type Server } from './servers/launch.ts';

/** `full`: the gateway with everything on that it can do, and 10,000 geofences. */
export type ServerName = 'limit' | 'baseline' | 'gateway' | 'full';

/** What the servers under test need, started once and shared by all of a run. */
export interface Session extends AsyncDisposable {
  /** Starts a server afresh. */
  launch(name: ServerName, inspect?: boolean): Promise<Server>;
  /** Records on Kafka so far: of telemetry, unless another topic is named; 0 when the run has no Kafka. */
  recordsWritten(topic?: string): Promise<number>;
}

const needsKafka = (part: Part): boolean => part !== 'limit';
const needsGateway = (part: Part): boolean => needsKafka(part) && part !== 'baseline';

/** Starts Kafka, the schema registry and the device registry, as far as the parts to be measured need them. */
export const openSession = async (
  options: BenchOptions,
  placement: Placement,
  onLog: (line: string) => void,
): Promise<Session> => {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'edge-bench-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const cluster = options.only.some(needsKafka) ? opened.use(await Cluster.start(placement, onLog)) : undefined;
  let registryUrl = '';
  if (options.only.some(needsGateway)) {
    const registry = await startRegistry({ onLog });
    opened.defer(() => registry.close());
    pinRunning(registry.pid, placement.brokerCores);
    registryUrl = registry.url;
    if (options.only.includes('full')) await writeFences(folder);
    onLog('registering the fleet');
    await registerFleet(folder, Math.max(options.connections, options.rateConnections, options.idleConnections));
  }
  const bootstrap = cluster?.bootstrap ?? [];
  const stack = opened.move();
  return {
    launch: async (name, inspect = false) => {
      const launchOptions = { placement, inspect, profileDir: options.profileDir };
      if (name === 'limit') return launchLimit(launchOptions);
      if (name === 'baseline') return launchBaseline({ bootstrap, topic: telemetryTopic, lingerMs }, launchOptions);
      const more = name === 'full' ? await everythingOn(folder) : undefined;
      return launchGateway({ bootstrap, registryUrl, folder, more }, launchOptions);
    },
    recordsWritten: (topic) => cluster?.recordsWritten(topic) ?? Promise.resolve(0),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
