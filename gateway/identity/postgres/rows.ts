import type { Device, NewDevice } from '../device.ts';

/** A row as the library gives it: `bigint` as text. */
export type DeviceRow = {
  readonly device_id: string;
  readonly kind: string;
  readonly bound_to: string;
  readonly secret_hash: string;
  readonly enabled: boolean;
  readonly created_at_ms: string;
  readonly rotated_at_ms: string | null;
  readonly group_names: readonly string[];
  readonly certificate_fingerprint: string | null;
  readonly revision: string;
};

const columns =
  'device_id, kind, bound_to, secret_hash, enabled, created_at_ms, rotated_at_ms, group_names, certificate_fingerprint';

/** Devices with the number of their last change. */
export const selectDevices = `SELECT ${columns}, coalesce(number, 0) AS revision
  FROM edge_devices LEFT JOIN edge_device_changes USING (device_id)`;

/** Adds the devices of one JSON value, see `toJson`, except those whose ids are taken; gives the ids of those added. */
export const insertDevices = `INSERT INTO edge_devices (${columns})
  SELECT device_id, kind, bound_to, secret_hash, enabled, created_at_ms, rotated_at_ms,
    ARRAY(SELECT jsonb_array_elements_text(group_names)), certificate_fingerprint
  FROM jsonb_to_recordset($1::jsonb) AS given (device_id text, kind text, bound_to text, secret_hash text,
    enabled boolean, created_at_ms bigint, rotated_at_ms bigint, group_names jsonb, certificate_fingerprint text)
  ON CONFLICT DO NOTHING RETURNING device_id`;

export const toJson = (devices: readonly NewDevice[]): string =>
  JSON.stringify(
    devices.map((device) => ({
      device_id: device.deviceId,
      kind: device.kind,
      bound_to: device.boundTo,
      secret_hash: device.secretHash,
      enabled: device.enabled,
      created_at_ms: device.createdAtMs,
      rotated_at_ms: device.rotatedAtMs ?? null,
      group_names: device.groups ?? [],
      certificate_fingerprint: device.certificateFingerprint ?? null,
    })),
  );

export const toDevice = (row: DeviceRow): Device => ({
  deviceId: row.device_id,
  kind: row.kind === 'bay' ? 'bay' : 'vehicle',
  boundTo: row.bound_to,
  secretHash: row.secret_hash,
  enabled: row.enabled,
  createdAtMs: Number(row.created_at_ms),
  rotatedAtMs: row.rotated_at_ms === null ? undefined : Number(row.rotated_at_ms),
  groups: row.group_names,
  certificateFingerprint: row.certificate_fingerprint ?? undefined,
  revision: Number(row.revision),
});
