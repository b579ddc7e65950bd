import { Command } from 'commander';
import type { Device } from '../device.ts';
import type { DeviceStore } from '../device-store.ts';
import { parseId, type RegistryChoice, unknownDevice, useRegistry, withRegistry } from './common.ts';

/** A command that changes one device, which must exist. */
const change = (
  name: string,
  description: string,
  done: string,
  apply: (registry: DeviceStore, deviceId: string) => Promise<Device | boolean | undefined>,
): Command =>
  withRegistry(new Command(name))
    .description(description)
    .argument('<device-id>', 'its MQTT user name', parseId)
    .action(async (deviceId: string, choice: RegistryChoice) => {
      const isFound = await useRegistry(choice, 'refuse', (registry) => apply(registry, deviceId));
      if (!isFound) throw unknownDevice(deviceId);
      console.log(`device ${deviceId} ${done}`);
    });

export const disableCommand = (): Command =>
  change('disable', 'end the connections of a device and refuse it from now on', 'disabled', (registry, deviceId) =>
    registry.change(deviceId, { enabled: false }),
  );

export const enableCommand = (): Command =>
  change('enable', 'let a disabled device connect again', 'enabled', (registry, deviceId) =>
    registry.change(deviceId, { enabled: true }),
  );

export const removeCommand = (): Command =>
  change('remove', 'end the connections of a device and forget it', 'removed', (registry, deviceId) =>
    registry.remove(deviceId),
  );
