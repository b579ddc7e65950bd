import { Command, Option } from 'commander';
import { CommandFailure } from '../../command/failure.ts';
import { type DeviceKind, deviceKinds } from '../../core/identity.ts';
import type { DeviceChanges } from '../device.ts';
import {
  collectGroups,
  parseFingerprintOption,
  parseId,
  type RegistryChoice,
  unknownDevice,
  useRegistry,
  withRegistry,
} from './common.ts';

interface ChangeOptions extends RegistryChoice {
  readonly kind?: DeviceKind;
  readonly boundTo?: string;
  readonly group?: readonly string[];
  /** False with `--no-groups`. */
  readonly groups: boolean;
  /** False with `--no-fingerprint`. */
  readonly fingerprint?: string | false;
}

/** `devices change ID --bound-to veh-2`: its connections end; it connects again as what it is by then. */
export const changeCommand = (): Command =>
  withRegistry(new Command('change'))
    .description('change what a device is and may do; its connections end, and it may connect again')
    .argument('<device-id>', 'its MQTT user name', parseId)
    .addOption(new Option('--kind <kind>', 'what it is').choices(deviceKinds))
    .option('--bound-to <id>', 'the one vehicle or bay that it may publish for', parseId)
    .option('--group <name>', 'its group, in place of those before; may be given several times', collectGroups)
    .option('--no-groups', 'it is in no group any more')
    .option('--fingerprint <sha256>', 'the one certificate that it may show', parseFingerprintOption)
    .option('--no-fingerprint', 'any certificate of its own will do again')
    .action(change);

async function change(deviceId: string, options: ChangeOptions): Promise<void> {
  const { kind, boundTo, group, groups, fingerprint, ...choice } = options;
  if (group !== undefined && !groups) throw new CommandFailure('--group and --no-groups contradict each other', 2);
  const changes: DeviceChanges = {
    kind,
    boundTo,
    groups: groups ? group : [],
    certificateFingerprint: fingerprint === false ? null : fingerprint,
  };
  if (Object.values(changes).every((value) => value === undefined)) {
    throw new CommandFailure('nothing to change: give --kind, --bound-to, --group or --fingerprint', 2);
  }
  const before = await useRegistry(choice, 'refuse', (registry) => registry.change(deviceId, changes));
  if (before === undefined) throw unknownDevice(deviceId);
  console.log(`device ${deviceId} changed`);
}
