import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type Address, parseAddress } from '../mqtt/addresses.ts';
import type { MqttVersion } from '../mqtt/frames.ts';

/** Where the devices' secrets come from. */
export type SecretSource =
  | { readonly kind: 'anonymous' }
  /** CSV file with a header line `device_id,kind,bound_to,secret`. */
  | { readonly kind: 'file'; readonly path: string }
  /** Derived from a seed; for tests only: who knows the seed knows every secret. */
  | { readonly kind: 'seed'; readonly seed: string };

export interface VerifySettings {
  /** `host:port` of Kafka brokers. */
  readonly kafka: readonly string[];
  readonly registryUrl: string;
  readonly topics: readonly string[];
}

/** All that a run needs to know. */
export interface SimulatorSettings {
  /** The gateways: devices spread over them, and go to the next when one fails. */
  readonly addresses: readonly Address[];
  /** Whether a server may refer devices to gateways that are not among `addresses`. */
  readonly followsAnyServer: boolean;
  readonly version: MqttVersion | 'mixed';
  readonly vehicles: number;
  readonly bays: number;
  /** Messages per second and vehicle. */
  readonly rate: number;
  /** Messages per second and bay. */
  readonly bayRate: number;
  readonly seconds: number;
  readonly rampSeconds: number;
  readonly seed: number;
  readonly secrets: SecretSource;
  /** Messages that a device has in flight at most. */
  readonly window: number;
  /** Messages that a device keeps while it cannot send. */
  readonly backlog: number;
  readonly keepAliveSeconds: number;
  /** How long to wait for outstanding acknowledgements after the last message. */
  readonly drainSeconds: number;
  readonly verify: VerifySettings | undefined;
}

/** `simulate` runs the fleet; `writeDevices` only writes its credentials to a file. */
export type SimulatorCommand =
  | { readonly kind: 'simulate'; readonly settings: SimulatorSettings }
  | { readonly kind: 'writeDevices'; readonly settings: SimulatorSettings; readonly path: string }
  /** Nothing to do but to end with this code: help was shown, or the arguments were refused. */
  | { readonly kind: 'exit'; readonly code: number };

/** Values that are not told otherwise; the demo uses them too. */
export const simulatorDefaults = {
  vehicles: 200,
  bays: 50,
  rate: 1,
  bayRate: 0.2,
  seconds: 60,
  rampSeconds: 0,
  seed: 1,
  window: 64,
  backlog: 1_000,
  keepAliveSeconds: 60,
  drainSeconds: 60,
  topic: 'veh.events.raw',
} as const;

/** Options as commander leaves them. */
interface Flags {
  mqtt: Address[];
  followAnyServer?: true;
  mqttVersion: '4' | '5' | 'mixed';
  vehicles: number;
  bays: number;
  rate: number;
  bayRate: number;
  seconds: number;
  rampSeconds: number;
  seed: number;
  devicesCsv?: string;
  secretSeed?: string;
  anonymous?: true;
  writeDevices?: string;
  window: number;
  backlog: number;
  keepAlive: number;
  drainSeconds: number;
  verify?: true;
  kafka?: string[];
  registry?: string;
  topic: string[];
}

/**
 * Reads the command line. What is wrong with it is written to `stderr`, and is then an exit with code 2.
 *
 * @param argv without the program's own name
 */
export function parseCommandLine(
  argv: readonly string[],
  stdout: (text: string) => void,
  stderr: (text: string) => void,
): SimulatorCommand {
  const command = simulateCommand().exitOverride().configureOutput({ writeOut: stdout, writeErr: stderr });
  try {
    command.parse(argv, { from: 'user' });
    const flags = command.opts<Flags>();
    refuseContradictions(command, flags);
    const settings = settingsFrom(flags);
    if (flags.writeDevices === undefined) return { kind: 'simulate', settings };
    return { kind: 'writeDevices', settings, path: flags.writeDevices };
  } catch (error) {
    if (error instanceof CommanderError) return { kind: 'exit', code: error.exitCode === 0 ? 0 : 2 };
    throw error;
  }
}

const helpEnd = `
Exit codes: 0 good; 1 bad verdict, or it could not be run; 2 unusable arguments.
A run that could not be measured prints no line of JSON.`;

function simulateCommand(): Command {
  const d = simulatorDefaults;
  return new Command('simulate')
    .description(
      'Simulates a fleet of vehicles and parking bays that publish over MQTT (QoS 1), and with --verify proves by reading ' +
        'Kafka back that nothing acknowledged was lost, out of order or on a wrong partition. Ends with one line of JSON.',
    )
    .addOption(
      new Option('--mqtt <host:port,…>', 'the gateways; devices spread over them, and go to the next when one fails')
        .argParser(endpoints)
        .default([{ host: '127.0.0.1', port: 1883 }], '127.0.0.1:1883'),
    )
    .option('--follow-any-server', 'let a gateway refer devices, with their secrets, to servers not named by --mqtt')
    .addOption(
      new Option('--mqtt-version <version>', '4 is MQTT 3.1.1; mixed: every other device')
        .choices(['4', '5', 'mixed'])
        .default('5'),
    )
    .option('--vehicles <n>', 'vehicles in the fleet', count(1_000_000), d.vehicles)
    .option('--bays <n>', 'parking bays in the fleet', count(10_000), d.bays)
    .option('--rate <n>', 'messages per second and vehicle', positive, d.rate)
    .option('--bay-rate <n>', 'messages per second and bay', positive, d.bayRate)
    .option('--seconds <n>', 'how long to send at the full rate', positive, d.seconds)
    .option(
      '--ramp-seconds <n>',
      'before that, how long to spread the start of the devices',
      nonNegative,
      d.rampSeconds,
    )
    .option('--seed <n>', 'what the fleet does: the same seed, the same drives', count(0xffff_ffff), d.seed)
    .option('--devices-csv <file>', 'credentials: device_id,kind,bound_to,secret')
    .option('--secret-seed <text>', 'derive the credentials from a seed; for tests only, not secret')
    .option('--anonymous', 'connect without credentials, to a listener that allows it')
    .option(
      '--write-devices <file>',
      'write the credentials of the fleet for `npm run devices -- import`, and end; needs --secret-seed',
    )
    .option(
      '--window <n>',
      'messages in flight per device; MQTT 5: at most the server’s receive maximum',
      size,
      d.window,
    )
    .option('--backlog <n>', 'messages that a device keeps while it cannot send', size, d.backlog)
    .option('--keep-alive <seconds>', 'MQTT keep-alive; 0: none', count(65_535), d.keepAliveSeconds)
    .option('--drain-seconds <n>', 'wait so long for outstanding acknowledgements', nonNegative, d.drainSeconds)
    .option('--verify', 'read Kafka back and reconcile; needs --kafka and --registry')
    .option('--kafka <host:port,…>', 'Kafka brokers', list)
    .option('--registry <url>', 'schema registry (Confluent API)', httpUrl)
    .addOption(
      new Option('--topic <name,…>', 'Kafka topics that hold the events').argParser(list).default([d.topic], d.topic),
    )
    .addHelpText('after', helpEnd)
    .showHelpAfterError('(--help shows all options)')
    .allowExcessArguments(false);
}

function refuseContradictions(command: Command, flags: Flags): void {
  const sources = [flags.devicesCsv, flags.secretSeed, flags.anonymous].filter((source) => source !== undefined);
  if (sources.length !== 1) {
    command.error('error: give exactly one of --devices-csv, --secret-seed and --anonymous');
  }
  if (flags.writeDevices !== undefined && flags.secretSeed === undefined) {
    command.error('error: --write-devices needs --secret-seed, from which the secrets are made');
  }
  if (flags.verify && !(flags.kafka && flags.registry)) {
    command.error('error: --verify needs --kafka HOST:PORT and --registry URL');
  }
  if (flags.vehicles + flags.bays === 0) command.error('error: a fleet needs --vehicles or --bays');
}

function settingsFrom(flags: Flags): SimulatorSettings {
  const { mqtt, mqttVersion, keepAlive, kafka, registry, topic } = flags;
  return {
    addresses: mqtt,
    followsAnyServer: flags.followAnyServer ?? false,
    version: mqttVersion === 'mixed' ? 'mixed' : mqttVersion === '5' ? 5 : 4,
    vehicles: flags.vehicles,
    bays: flags.bays,
    rate: flags.rate,
    bayRate: flags.bayRate,
    seconds: flags.seconds,
    rampSeconds: flags.rampSeconds,
    seed: flags.seed,
    secrets: secretSource(flags),
    window: flags.window,
    backlog: flags.backlog,
    keepAliveSeconds: keepAlive,
    drainSeconds: flags.drainSeconds,
    verify: flags.verify && kafka && registry ? { kafka, registryUrl: registry, topics: topic } : undefined,
  };
}

function secretSource({ devicesCsv, secretSeed }: Flags): SecretSource {
  if (devicesCsv !== undefined) return { kind: 'file', path: devicesCsv };
  if (secretSeed !== undefined) return { kind: 'seed', seed: secretSeed };
  return { kind: 'anonymous' };
}

/** A finite decimal number; words, empty strings, signs, exponents and hexadecimal are refused. */
export function decimal(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Must be a number in plain digits, without a sign, such as 60 or 0.5.');
}

/** As `decimal`, above 0 and at most ten million. */
export function positive(text: string): number {
  const value = decimal(text);
  if (value <= 0 || value > 1e7) throw new InvalidArgumentError('Must be above 0 and at most 10,000,000.');
  return value;
}

/** A whole number from 0 to `max`. */
export const count =
  (max: number) =>
  (text: string): number => {
    const value = decimal(text);
    if (!Number.isInteger(value) || value > max) throw new InvalidArgumentError(`Must be a whole number, 0 to ${max}.`);
    return value;
  };

function nonNegative(text: string): number {
  const value = decimal(text);
  if (value > 1e6) throw new InvalidArgumentError('Must be at most 1,000,000.');
  return value;
}

function size(text: string): number {
  const value = decimal(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) {
    throw new InvalidArgumentError('Must be a whole number, 1 to 65535.');
  }
  return value;
}

function endpoints(text: string): Address[] {
  return list(text).map((part) => {
    const address = parseAddress(part);
    if (!address) throw new InvalidArgumentError('Must be host:port, or several separated by commas.');
    return address;
  });
}

function list(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === '')) throw new InvalidArgumentError('Must be a list, separated by commas.');
  return parts;
}

function httpUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) throw new InvalidArgumentError('Must be an http(s) address.');
  return text;
}
