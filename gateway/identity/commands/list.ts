import { Command, Option } from 'commander';
import { type DeviceKind, deviceKinds } from '../../core/identity.ts';
import type { Device } from '../device.ts';
import { type RegistryChoice, useRegistry, withRegistry } from './common.ts';

interface ListOptions extends RegistryChoice {
  readonly kind?: DeviceKind;
  readonly json?: true;
}

/** `devices list`: everything but the secret hashes. */
export const listCommand = (): Command =>
  withRegistry(new Command('list'))
    .description('show the registered devices')
    .addOption(new Option('--kind <kind>', 'only these').choices(deviceKinds))
    .option('--json', 'print one line of JSON per device')
    .action(list);

async function list({ kind, json, ...choice }: ListOptions): Promise<void> {
  await useRegistry(choice, 'refuse', (registry) => {
    if (json) {
      for (const device of registry.list(kind)) console.log(JSON.stringify(publicFields(device)));
      return;
    }
    printTable(registry.list(kind));
  });
}

const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

const publicFields = ({ deviceId, kind, boundTo, enabled, createdAtMs, rotatedAtMs }: Device) => ({
  deviceId,
  kind,
  boundTo,
  enabled,
  createdAt: time(createdAtMs),
  rotatedAt: time(rotatedAtMs),
});

const header = ['DEVICE', 'KIND', 'BOUND TO', 'ENABLED', 'CREATED', 'ROTATED'];

function printTable(devices: Iterable<Device>): void {
  const rows = [header];
  for (const device of devices) {
    const { deviceId, kind, boundTo, enabled, createdAt, rotatedAt } = publicFields(device);
    rows.push([deviceId, kind, boundTo, enabled ? 'yes' : 'no', createdAt ?? '', rotatedAt ?? '-']);
  }
  const widths = header.map((_, column) => rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  console.error(`${rows.length - 1} devices`);
}
