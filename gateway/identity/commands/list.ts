import { Command, Option } from 'commander';
import { type DeviceKind, deviceKinds } from '../../core/identity.ts';
import type { Device } from '../device.ts';
import { listDevices } from '../device-store.ts';
import { type RegistryChoice, useRegistry, withRegistry } from './common.ts';

interface ListOptions extends RegistryChoice {
  readonly kind?: DeviceKind;
  readonly group?: string;
  readonly json?: true;
}

/** `devices list`: everything but the secret hashes. */
export const listCommand = (): Command =>
  withRegistry(new Command('list'))
    .description('show the registered devices')
    .addOption(new Option('--kind <kind>', 'only these').choices(deviceKinds))
    .option('--group <name>', 'only those in this group')
    .option('--json', 'print one line of JSON per device')
    .action(list);

async function list({ kind, group, json, ...choice }: ListOptions): Promise<void> {
  await useRegistry(choice, 'refuse', async (registry) => {
    const devices = listDevices(registry, { kind, group });
    if (json) {
      for await (const device of devices) console.log(JSON.stringify(publicFields(device)));
      return;
    }
    await printTable(devices);
  });
}

const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

const publicFields = (device: Device) => ({
  deviceId: device.deviceId,
  kind: device.kind,
  boundTo: device.boundTo,
  enabled: device.enabled,
  groups: device.groups,
  certificateFingerprint: device.certificateFingerprint ?? null,
  createdAt: time(device.createdAtMs),
  rotatedAt: time(device.rotatedAtMs),
});

const header = ['DEVICE', 'KIND', 'BOUND TO', 'ENABLED', 'GROUPS', 'CREATED', 'ROTATED'];

async function printTable(devices: AsyncIterable<Device>): Promise<void> {
  const rows = [header];
  for await (const device of devices) {
    const { deviceId, kind, boundTo, enabled, groups, createdAt, rotatedAt } = publicFields(device);
    const inGroups = groups.length === 0 ? '-' : groups.join(' ');
    rows.push([deviceId, kind, boundTo, enabled ? 'yes' : 'no', inGroups, createdAt ?? '', rotatedAt ?? '-']);
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
