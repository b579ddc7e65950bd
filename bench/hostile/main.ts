import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { DevelopmentAuthority } from '../../certs/authority.ts';
import { count, positive } from '../../command-line/numbers.ts';
import { startKafka } from '../../deploy/local/kafka.ts';
import { startRegistry } from '../../deploy/local/registry.ts';
import { importDevices } from '../../gateway/identity/import-devices.ts';
import { DeviceRegistry } from '../../gateway/identity/registry.ts';
import { defaultCost, simulationCost } from '../../gateway/identity/secret-hash.ts';
import { GatewayProcess } from '../../test/support/gateway-process.ts';
import { gatewaySettings } from '../../test/support/gateway-settings.ts';
import { measureFlood } from './flood.ts';
import type { HonestDevice } from './honest-fleet.ts';
import { measureStorm } from './storm.ts';

const exitCodes = { good: 0, bad: 1, notMeasured: 2 } as const;
const mostP99Ratio = 2;
const mostLoopDelayMs = 100;
const newcomers = 500;
const megabyte = 1_000_000;

interface Parsed {
  publishers: number;
  rate: number;
  quiet: number;
  logins: number;
  perSecond: number;
  addresses: number;
  devices: number;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const devicesOf = (number: number): HonestDevice[] =>
  Array.from({ length: number }, (_, index) => ({
    deviceId: `dev-${index}`,
    vehicleId: `veh-${index}`,
    password: `secret-${index}`,
  }));

/** Registers devices: at the default cost where that is asked for, as a wrong password then costs what it does outside. */
async function register(databasePath: string, devices: readonly HonestDevice[], isCostly: boolean): Promise<void> {
  const registry = DeviceRegistry.open(databasePath, { busyTimeoutMs: 5000 });
  try {
    const rows = devices.map(({ deviceId, vehicleId, password }) => {
      return { deviceId, kind: 'vehicle', boundTo: vehicleId, secret: password };
    });
    const result = await importDevices(registry, rows, { cost: isCostly ? defaultCost : simulationCost });
    if ('problems' in result) throw new Error(`the devices were not registered: ${result.problems[0]?.problem}`);
  } finally {
    await registry.close();
  }
}

interface Bed extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly ca: string;
}

/** Kafka, schema registry, and a gateway with these devices; over TLS or in plain text. */
async function makeBed(devices: readonly HonestDevice[], isSecure: boolean): Promise<Bed> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'hostile-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const kafka = stack.adopt(await startKafka({ brokers: 1 }), (each) => each.close());
  const registry = stack.adopt(await startRegistry({}), (each) => each.close());
  const databasePath = join(folder, 'devices.sqlite');
  await register(databasePath, devices, !isSecure);
  const authority = await DevelopmentAuthority.create(join(folder, 'authority'));
  const { certFile, keyFile } = await authority.issue({ kind: 'server', name: '127.0.0.1', days: 1 });
  const listener = { name: 'devices', host: '127.0.0.1', port: 0 };
  const sections = {
    listeners: [isSecure ? { ...listener, tls: { certFile, keyFile } } : listener],
    // This machine's own addresses stand for attackers and for honest devices here.
    limits: { exemptAddresses: [] },
    log: { level: 'info' },
  };
  const { settings } = gatewaySettings({
    bootstrap: kafka.bootstrap,
    registryUrl: registry.url,
    databasePath,
    sections,
  });
  const gateway = stack.use(await GatewayProcess.start(settings));
  const kept = stack.move();
  return {
    gateway,
    ca: readFileSync(authority.certFile, 'utf8'),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function flood(options: Parsed): Promise<number> {
  const devices = devicesOf(options.publishers + newcomers);
  print(`registering ${devices.length} devices at the default cost of a hash`);
  await using bed = await makeBed(devices, false);
  const { publishers, rate, quiet, logins, perSecond, addresses } = options;
  print(`${logins} wrong logins from ${addresses} addresses, beside ${publishers} devices with ${rate} messages/s`);
  const figures = await measureFlood({
    gateway: bed.gateway,
    devices,
    publishers,
    messagesPerSecond: rate,
    quietSeconds: quiet,
    logins,
    loginsPerSecond: perSecond,
    addresses,
  });
  print(JSON.stringify({ ...figures, peakMegabytes: peakMegabytes(bed.gateway) }));
  const isGood =
    figures.p99Ratio <= mostP99Ratio &&
    figures.duringLoop.maxMs < mostLoopDelayMs &&
    figures.acknowledged === figures.sent &&
    figures.closed === 0 &&
    figures.attack.answers['0x00'] === undefined;
  return isGood ? exitCodes.good : exitCodes.bad;
}

async function storm(options: Parsed): Promise<number> {
  const devices = devicesOf(options.publishers + options.devices);
  await using bed = await makeBed(devices, true);
  print(`${options.devices} devices connect at once over TLS, beside ${options.publishers} that publish`);
  const figures = await measureStorm({
    gateway: bed.gateway,
    ca: bed.ca,
    devices,
    publishers: options.publishers,
    messagesPerSecond: options.rate,
    quietSeconds: options.quiet,
  });
  print(JSON.stringify({ ...figures, peakMegabytes: peakMegabytes(bed.gateway) }));
  const isGood = figures.acknowledged === figures.sent && figures.closed === 0;
  return isGood ? exitCodes.good : exitCodes.bad;
}

/** The most memory that the gateway has had; Linux only. */
function peakMegabytes({ child }: GatewayProcess): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  return Math.round((Number(kilobytes) * 1024) / megabyte);
}

const common = (command: Command): Command =>
  command
    .addOption(new Option('--publishers <n>', 'devices that publish all the time').argParser(count).default(50))
    .addOption(new Option('--rate <n>', 'messages/s, over all of them').argParser(positive).default(500))
    .addOption(
      new Option('--quiet <n>', 'seconds of quiet before, behind half as many to warm up')
        .argParser(positive)
        .default(60),
    )
    .allowExcessArguments(false);

const program = new Command('hostile')
  .description(
    'Measures what honest devices notice of an attack. Starts Kafka, a schema registry and a gateway. The last line of output is JSON.',
  )
  .addHelpText(
    'after',
    '\nExit codes: 0 good, 1 the verdict is bad, 2 it could not be measured or the arguments are wrong.',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.good : exitCodes.notMeasured));

common(program.command('flood').description('Logins with wrong passwords.'))
  .addOption(new Option('--logins <n>', 'wrong logins').argParser(count).default(10_000))
  .addOption(new Option('--per-second <n>', 'wrong logins a second').argParser(positive).default(1000))
  .addOption(new Option('--addresses <n>', 'addresses that they come from').argParser(count).default(250))
  .action((options: Parsed) => conclude(flood(options)));

common(program.command('storm').description('A fleet that connects at once over TLS, in full and by resuming.'))
  .addOption(new Option('--devices <n>', 'devices that connect at once').argParser(count).default(5000))
  .action((options: Parsed) => conclude(storm(options)));

async function conclude(measured: Promise<number>): Promise<void> {
  try {
    process.exitCode = await measured;
  } catch (error) {
    process.stderr.write(`hostile: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = exitCodes.notMeasured;
  }
}

await program.parseAsync();
