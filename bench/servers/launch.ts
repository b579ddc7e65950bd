import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { deadLetterHeadroomBytes } from '../../gateway/config/relations.ts';
import { defaultRoutes } from '../../gateway/core/default-routes.ts';
import { importDevices } from '../../gateway/identity/import-devices.ts';
import { DeviceRegistry } from '../../gateway/identity/registry.ts';
import { simulationCost } from '../../gateway/identity/secret-hash.ts';
import { defaultLimits } from '../../gateway/mqtt/limits.ts';
import { device } from '../load/frames.ts';
import { Child } from '../measure/child.ts';
import { type Placement, pinned } from '../measure/placement.ts';
import type { CertificateFiles } from '../tls/certificates.ts';
import type { BaselineOptions } from './baseline-options.ts';

/** A server under test, in a process of its own on the server's core, listening on 127.0.0.1. */
export interface Server extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Address of its inspector, when it was started with one. */
  readonly inspectorUrl: string | undefined;
}

export interface LaunchOptions {
  readonly placement: Placement;
  /** Where CPU profiles are written; undefined: none are made. */
  readonly profileDir: string | undefined;
  /** Open the inspector, through which a garbage collection can be asked for. */
  readonly inspect?: boolean;
}

export interface GatewayOptions {
  readonly bootstrap: readonly string[];
  readonly registryUrl: string;
  /** Holds its settings and its device registry. */
  readonly folder: string;
  /** Settings of its section `kafka` that are not the default. */
  readonly kafka?: Readonly<Record<string, number>>;
  /** Kafka topic of all routes; the default routes' own when not given. */
  readonly topic?: string | undefined;
  /** Further sections of settings. */
  readonly more?: Readonly<Record<string, unknown>> | undefined;
}

/** The same wait for gateway and baseline: a batch stays open this long. */
export const lingerMs = 5;
const readyDeadlineMs = 60_000;
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

const nodeCommand = (script: string, args: readonly string[], options: LaunchOptions): readonly string[] => {
  const { profileDir, inspect = false, placement } = options;
  const flags = [
    ...(profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]),
    ...(inspect ? ['--inspect=127.0.0.1:0'] : []),
  ];
  const command = [process.execPath, ...flags, script, ...args];
  return pinned(placement.cores === undefined ? [] : [placement.cores.server], command);
};

const asServer = (child: Child, port: number, inspectorUrl?: string): Server => ({
  pid: child.pid,
  port,
  inspectorUrl,
  [Symbol.asyncDispose]: () => child.stop(),
});

const launchOwn = async (name: string, script: string, args: readonly string[], options: LaunchOptions) => {
  const child = new Child(name, nodeCommand(path(script), args, options), 'ipc');
  const inspectorUrl = options.inspect ? await inspectorOf(child) : undefined;
  const { port } = await child.message<{ port: number }>();
  return asServer(child, port, inspectorUrl);
};

/** The server that only answers PUBACK. */
export const launchLimit = (options: LaunchOptions): Promise<Server> =>
  launchOwn('the limit server', 'limit.ts', [], options);

/** Node's TLS server, which asks for a certificate and does nothing else. */
export const launchBareTls = (files: CertificateFiles, options: LaunchOptions): Promise<Server> =>
  launchOwn('the bare TLS server', '../tls/bare-server.ts', [JSON.stringify(files)], options);

/** aedes and kafkajs. */
export const launchBaseline = (settings: BaselineOptions, options: LaunchOptions): Promise<Server> =>
  launchOwn('the baseline', 'baseline.ts', [JSON.stringify(settings)], options);

/** The gateway as it is shipped, with default settings but for addresses. */
export const launchGateway = async (settings: GatewayOptions, options: LaunchOptions): Promise<Server> => {
  const file = await writeSettings(settings);
  const child = new Child(
    'the gateway',
    nodeCommand(path('../../gateway/main.ts'), ['--config', file], options),
    'ignore',
  );
  try {
    const inspectorUrl = options.inspect ? await inspectorOf(child) : undefined;
    const [line] = await child.printed(/^\{.*"event":"gateway_ready".*\}$/m, readyDeadlineMs);
    const { listeners } = JSON.parse(line) as { listeners: Record<string, number> };
    return asServer(child, listeners[listenerName] as number, inspectorUrl);
  } catch (error) {
    await child.stop();
    throw error;
  }
};

const listenerName = 'devices';

const inspectorOf = async (child: Child): Promise<string> => {
  const [, url] = await child.printed(/Debugger listening on (ws:\/\/\S+)/, readyDeadlineMs);
  return url as string;
};

const databaseFile = 'devices.sqlite';
const { maxPacketBytes: defaultMaxPacketBytes } = defaultLimits;

/** The gateway's settings as they go into its file. A small batch takes only packets whose dead letter fits into it. */
export const gatewaySettings = ({ bootstrap, registryUrl, folder, kafka, topic, more }: GatewayOptions) => ({
  listeners: [{ name: listenerName, host: '127.0.0.1', port: 0, auth: 'registry' }],
  ...(kafka?.maxBatchBytes === undefined
    ? {}
    : { mqtt: { maxPacketBytes: Math.min(defaultMaxPacketBytes, kafka.maxBatchBytes - deadLetterHeadroomBytes) } }),
  identity: { databasePath: join(folder, databaseFile) },
  kafka: { bootstrapBrokers: [...bootstrap], lingerMs, ...kafka },
  ...(topic === undefined ? {} : { routes: defaultRoutes.map((route) => ({ ...route, kafkaTopic: topic })) }),
  schemaRegistry: { url: registryUrl },
  admin: { host: '127.0.0.1', port: 0 },
  log: { level: 'info' },
  ...more,
});

const writeSettings = async (options: GatewayOptions): Promise<string> => {
  const { folder } = options;
  const file = join(folder, 'gateway.yaml');
  const settings = gatewaySettings(options);
  await mkdir(folder, { recursive: true });
  await writeFile(file, stringify(settings));
  return file;
};

/** Registers the fleet of the load generator. Its secrets are hashed at the cost meant for simulated devices. */
export const registerFleet = async (folder: string, devices: number): Promise<void> => {
  await mkdir(folder, { recursive: true });
  const registry = DeviceRegistry.open(join(folder, databaseFile), { busyTimeoutMs: 5000 });
  try {
    const rows = Array.from({ length: devices }, (_, index) => {
      const { deviceId, vehicleId, secret } = device(index);
      return { deviceId, kind: 'vehicle', boundTo: vehicleId, secret };
    });
    const result = await importDevices(registry, rows, { cost: simulationCost });
    if ('problems' in result) throw new Error(`the fleet was not registered: ${result.problems[0]?.problem}`);
  } finally {
    await registry.close();
  }
};
