import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { LocalServerError } from '../deploy/local/progress.ts';
import { spawnServer, untilReady } from '../deploy/local/server-process.ts';
import { writeFences } from './alerts.ts';
import type { DemoPorts } from './ports.ts';

const readyDeadlineMs = 60_000;
/** More than the gateway takes to drain. */
const stopDeadlineMs = 30_000;

export interface DemoGatewayOptions {
  /** Holds the settings file, the device registry and the log. */
  readonly folder: string;
  readonly ports: DemoPorts;
  readonly bootstrap: readonly string[];
  readonly registryUrl: string;
  readonly databasePath: string;
  readonly signal: AbortSignal;
  readonly onUnexpectedEnd: (error: LocalServerError) => void;
}

export interface DemoGateway {
  readonly configFile: string;
  readonly logFile: string;
  /** Drains and ends it. */
  close(): Promise<void>;
}

/**
 * Starts the gateway as a process of its own, as an operator would: with a settings file, on a registry of devices.
 *
 * @throws {LocalServerError} with the end of its log when it does not become ready
 */
export async function startGateway(options: DemoGatewayOptions): Promise<DemoGateway> {
  const name = 'the gateway';
  const configFile = join(options.folder, 'gateway.yaml');
  const logFile = join(options.folder, 'gateway.log');
  await writeFile(configFile, stringify(gatewaySettings(options, await writeFences(options.folder))));
  let ready = false;
  const gateway = await spawnServer({
    name,
    command: process.execPath,
    args: [join(import.meta.dirname, '../gateway/main.ts'), '--config', configFile],
    workDir: options.folder,
    consoleLog: logFile,
    temporaryDir: options.folder,
    onUnexpectedEnd: (error) => ready && options.onUnexpectedEnd(error),
  });
  try {
    await untilReady(gateway, () => answers(`http://127.0.0.1:${options.ports.admin}/readyz`), {
      name,
      consoleLog: logFile,
      deadlineMs: readyDeadlineMs,
      signal: options.signal,
    });
  } catch (error) {
    await gateway.kill();
    throw error;
  }
  ready = true;
  return {
    configFile,
    logFile,
    close: async () => {
      await gateway.stop(stopDeadlineMs);
    },
  };
}

function gatewaySettings(options: DemoGatewayOptions, fences: string): object {
  const { folder, ports, bootstrap, registryUrl, databasePath } = options;
  return {
    listeners: [{ name: 'devices', host: '127.0.0.1', port: ports.mqtt, auth: 'registry' }],
    identity: { databasePath },
    kafka: {
      bootstrapBrokers: [...bootstrap],
      createTopics: {
        enabled: true,
        partitions: 12,
        replicationFactor: bootstrap.length,
        minInSyncReplicas: Math.min(2, bootstrap.length),
      },
    },
    schemaRegistry: { url: registryUrl },
    alerts: { enabled: true, state: { directory: join(folder, 'alert-states') }, geofences: { path: fences } },
    admin: { host: '127.0.0.1', port: ports.admin },
  };
}

async function answers(address: string): Promise<boolean> {
  const response = await fetch(address, { signal: AbortSignal.timeout(2_000) });
  await response.arrayBuffer();
  return response.ok;
}
