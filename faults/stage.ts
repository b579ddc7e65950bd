import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { type LocalKafka, startKafka } from '../deploy/local/kafka.ts';
import type { OnLog } from '../deploy/local/progress.ts';
import { registerDevices, registerFleet, type TestDevice } from '../test/support/devices.ts';
import { QUICK_RECOVERY } from './injectors/quick-recovery.ts';
import { SmallDisk } from './injectors/small-disk.ts';
import { TcpProxy } from './injectors/tcp-proxy.ts';
import { RestartableRegistry } from './restartable-registry.ts';
import type { Need } from './scenario.ts';

/** Far more than the scenarios write to one broker, however fast the machine is; it is memory, and must leave the rest some. */
const BROKER_DISK_BYTES = Math.min(16 * 1024 ** 3, totalmem() / 4);
const GATEWAY_DISK_BYTES = 24 * 1024 * 1024;

/** A device of the harness itself, which has little to say: it wants to see its pings answered, and a publish now and then. */
export const quietDevice: TestDevice = { deviceId: 'dev-quiet', kind: 'vehicle', boundTo: 'veh-quiet' };

/** What all scenarios of a run share: the cluster, its proxies, the registries, and disks that can be filled. */
export interface Stage extends AsyncDisposable {
  readonly kafka: LocalKafka;
  readonly proxies: readonly TcpProxy[];
  readonly registry: RestartableRegistry;
  readonly brokerDisk: SmallDisk | undefined;
  readonly gatewayDisk: SmallDisk | undefined;
  /** Holds the ledgers and everything else that is temporary. */
  readonly folder: string;
  readonly databasePath: string;
  readonly devicesCsv: string;
  readonly quietSecret: string;
  /** Ends every fault that a scenario left behind: brokers run, proxies forward, the registry answers, disks have space. */
  repair(): Promise<void>;
}

/** Why the machine cannot offer it, or undefined. */
export async function shortageOf(need: Need): Promise<string | undefined> {
  const available = await SmallDisk.isAvailable();
  return available ? undefined : `${need}: no user namespaces with mounts of their own`;
}

export interface StageOptions {
  /** Devices to be registered for the fleet. */
  readonly vehicles: number;
  /** Disks that some scenario wants; where the machine has none, they are left out. */
  readonly needs: ReadonlySet<Need>;
  /** The cluster notices and heals a fault sooner. */
  readonly short: boolean;
}

/** @throws {LocalServerError} when a server does not start */
export async function openStage({ vehicles, needs, short }: StageOptions, onLog: OnLog): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'edge-faults-'));
  // Also when the process is interrupted and nothing is disposed of.
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  opened.defer(() => {
    process.off('exit', removeFolder);
    removeFolder();
  });
  const disk = async (need: Need, sizeBytes: number): Promise<SmallDisk | undefined> => {
    if (!needs.has(need) || (await shortageOf(need)) !== undefined) return undefined;
    const mounted = await SmallDisk.mount({ sizeBytes });
    opened.defer(() => mounted.close());
    return mounted;
  };
  const brokerDisk = await disk('broker-disk', BROKER_DISK_BYTES);
  const gatewayDisk = await disk('gateway-disk', GATEWAY_DISK_BYTES);
  const kafka = await startKafka({
    brokers: 3,
    proxied: true,
    ...(short ? { settings: QUICK_RECOVERY } : {}),
    dataDirs: [undefined, undefined, brokerDisk === undefined ? undefined : join(brokerDisk.path, 'kafka')],
    onLog,
    onUnexpectedEnd: (error) => onLog(firstLine(error.message)),
  });
  opened.defer(() => kafka.close());
  const proxies: TcpProxy[] = [];
  opened.defer(() => Promise.all(proxies.map((proxy) => proxy.close())).then(() => undefined));
  for (const { proxied } of kafka.brokers) {
    if (proxied === undefined) throw new Error('the brokers have no proxied listener');
    proxies.push(await TcpProxy.start({ listenPort: proxied.advertisedPort, targetPort: proxied.listenPort }));
  }
  const registry = await RestartableRegistry.start(join(folder, 'registry'), onLog);
  opened.defer(() => registry.stop());
  onLog('registering the fleet');
  const databasePath = join(folder, 'devices.sqlite');
  const devicesCsv = await registerFleet(databasePath, { vehicles, bays: 0, folder });
  const secrets = await registerDevices(databasePath, [quietDevice]);
  const disposables = opened.move();
  return {
    ...{ kafka, proxies, registry, brokerDisk, gatewayDisk, folder, databasePath, devicesCsv },
    quietSecret: secrets.get(quietDevice.deviceId) ?? '',
    repair: async () => {
      for (const proxy of proxies) proxy.setLatencyMs(0);
      await Promise.all([brokerDisk?.free(), gatewayDisk?.free(), ...proxies.map((proxy) => proxy.heal())]);
      for (const broker of kafka.brokers) broker.resume();
      await Promise.all([registry.startAgain(), ...kafka.brokers.map((broker) => broker.start())]);
    },
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
