import { Command, Option } from 'commander';
import { CommandFailure } from '../../command/failure.ts';
import { type DeviceKind, deviceKinds } from '../../core/identity.ts';
import { generateSecret, hashSecret } from '../secret-hash.ts';
import {
  type CostChoice,
  collectGroups,
  parseFingerprintOption,
  parseId,
  type RegistryChoice,
  useRegistry,
  withCost,
  withRegistry,
} from './common.ts';

interface AddOptions extends RegistryChoice, CostChoice {
  readonly kind: DeviceKind;
  readonly boundTo: string;
  readonly group?: readonly string[];
  readonly fingerprint?: string;
  readonly json?: true;
}

/** `devices add ID --kind vehicle --bound-to veh-1`. */
export const addCommand = (): Command =>
  withCost(withRegistry(new Command('add')))
    .description('register a device and print its new secret, once')
    .argument('<device-id>', 'its MQTT user name', parseId)
    .addOption(new Option('--kind <kind>', 'what it is').choices(deviceKinds).makeOptionMandatory())
    .requiredOption('--bound-to <id>', 'the one vehicle or bay that it may publish for', parseId)
    .option('--group <name>', 'a group that rules of authorization may name; may be given several times', collectGroups)
    .option('--fingerprint <sha256>', 'the one certificate that it may show', parseFingerprintOption)
    .option('--json', 'print one line of JSON')
    .action(add);

async function add(deviceId: string, options: AddOptions): Promise<void> {
  const { kind, boundTo, group, fingerprint, scryptCost, json, ...choice } = options;
  const secret = generateSecret();
  const secretHash = await hashSecret(secret, scryptCost);
  const device = {
    deviceId,
    kind,
    boundTo,
    secretHash,
    enabled: true,
    createdAtMs: Date.now(),
    rotatedAtMs: undefined,
    groups: group ?? [],
    certificateFingerprint: fingerprint,
  };
  const added = await useRegistry(choice, 'make', (registry) => registry.add(device));
  if (!added) throw new CommandFailure(`device ${deviceId} is registered already`);
  printSecret(deviceId, secret, json);
}

/** The only place where a secret ever shows: standard output, so that it can be piped where it belongs. */
export function printSecret(deviceId: string, secret: string, json: true | undefined): void {
  if (json) {
    console.log(JSON.stringify({ deviceId, secret }));
    return;
  }
  console.error(`user name ${deviceId}, password (shown this once):`);
  console.log(secret);
}
