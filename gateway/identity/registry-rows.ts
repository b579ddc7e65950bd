import type { SQLOutputValue } from 'node:sqlite';
import type { Device, DeviceChanges, NewDevice } from './device.ts';

export type Row = Record<string, SQLOutputValue>;

const columns =
  'device_id, kind, bound_to, secret_hash, enabled, created_at_ms, rotated_at_ms, group_names, certificate_fingerprint';

/** Devices with the number of their last change. */
export const selectDevices = `SELECT ${columns}, coalesce(number, 0) AS revision
  FROM devices LEFT JOIN device_changes USING (device_id)`;

/** Takes what `toRow` gives. */
export const insertDevice = `INSERT INTO devices (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

/** Takes what `toChangeValues` gives. */
export const changeDevice = `UPDATE devices SET enabled = coalesce(?, enabled), kind = coalesce(?, kind),
  bound_to = coalesce(?, bound_to), group_names = coalesce(?, group_names),
  certificate_fingerprint = iif(?, ?, certificate_fingerprint) WHERE device_id = ?`;

export const toChangeValues = (deviceId: string, changes: DeviceChanges) =>
  [
    changes.enabled === undefined ? null : Number(changes.enabled),
    changes.kind ?? null,
    changes.boundTo ?? null,
    changes.groups === undefined ? null : JSON.stringify(changes.groups),
    changes.certificateFingerprint === undefined ? 0 : 1,
    changes.certificateFingerprint ?? null,
    deviceId,
  ] as const;

export const toRow = (device: NewDevice) =>
  [
    device.deviceId,
    device.kind,
    device.boundTo,
    device.secretHash,
    device.enabled ? 1 : 0,
    device.createdAtMs,
    device.rotatedAtMs ?? null,
    JSON.stringify(device.groups ?? []),
    device.certificateFingerprint ?? null,
  ] as const;

export const toDevice = (row: Row): Device => ({
  deviceId: String(row.device_id),
  kind: row.kind === 'bay' ? 'bay' : 'vehicle',
  boundTo: String(row.bound_to),
  secretHash: String(row.secret_hash),
  enabled: row.enabled === 1,
  createdAtMs: Number(row.created_at_ms),
  rotatedAtMs: row.rotated_at_ms === null ? undefined : Number(row.rotated_at_ms),
  groups: toGroups(row.group_names),
  certificateFingerprint: row.certificate_fingerprint === null ? undefined : String(row.certificate_fingerprint),
  revision: Number(row.revision),
});

/** @throws {SyntaxError} when somebody else has written something else: the device can't be judged then. */
function toGroups(text: SQLOutputValue | undefined): readonly string[] {
  if (text === '[]') return noGroups;
  const groups: unknown = JSON.parse(String(text));
  if (!Array.isArray(groups)) throw new SyntaxError('group_names is no list');
  return groups.map(String);
}

/** One for all: most devices have none. */
const noGroups: readonly string[] = [];
