import { Command } from 'commander';
import type { DeviceRegistry } from '../registry.ts';
import { parseId, type RegistryChoice, unknownDevice, useRegistry, withRegistry } from './common.ts';

/** A command that changes one device, which must exist. */
const change = (
  name: string,
  description: string,
  done: string,
  apply: (registry: DeviceRegistry, deviceId: string) => boolean,
): Command =>
  withRegistry(new Command(name))
    .description(description)
    .argument('<device-id>', 'its MQTT user name', parseId)
    .action(async (deviceId: string, choice: RegistryChoice) => {
      const changed = await useRegistry(choice, 'refuse', (registry) => apply(registry, deviceId));
      if (!changed) throw unknownDevice(deviceId);
      console.log(`device ${deviceId} ${done}`);
    });

export const disableCommand = (): Command =>
  change('disable', 'refuse a device from its next connect on', 'disabled', (registry, deviceId) =>
    registry.setEnabled(deviceId, false),
  );

export const enableCommand = (): Command =>
  change('enable', 'let a disabled device connect again', 'enabled', (registry, deviceId) =>
    registry.setEnabled(deviceId, true),
  );

export const removeCommand = (): Command =>
  change('remove', 'forget a device', 'removed', (registry, deviceId) => registry.remove(deviceId));
