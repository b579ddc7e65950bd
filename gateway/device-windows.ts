import type { GatewayConfig } from './config/schema.ts';
import { DeviceWindows } from './core/duplicates/device-windows.ts';
import type { Observability } from './observability/observability.ts';

/** What remembers the events of devices, with its figures exported; undefined when duplicates are to be written. */
export function deviceWindows({ duplicates }: GatewayConfig, observability: Observability): DeviceWindows | undefined {
  if (!duplicates.enabled) return undefined;
  const windows = new DeviceWindows(duplicates, observability.sequences);
  observability.watch(
    {
      name: 'edge_duplicate_devices',
      help: 'Devices whose last events are remembered.',
      read: () => windows.devices,
    },
    {
      name: 'edge_duplicate_copies_waiting',
      help: 'Copies that wait for how their first one ends.',
      read: () => windows.waitingCopies,
    },
  );
  return windows;
}
