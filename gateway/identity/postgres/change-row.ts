import type { ClientBase } from 'pg';
import type { Device, DeviceChanges } from '../device.ts';
import { type DeviceRow, selectDevices, toDevice } from './rows.ts';

const lockDevice = `${selectDevices} WHERE device_id = $1 FOR UPDATE OF edge_devices`;

const changeDevice = `UPDATE edge_devices SET enabled = coalesce($2::boolean, enabled), kind = coalesce($3::text, kind),
  bound_to = coalesce($4::text, bound_to), group_names = coalesce($5::text[], group_names),
  certificate_fingerprint = CASE WHEN $6::boolean THEN $7::text ELSE certificate_fingerprint END
  WHERE device_id = $1`;

/**
 * Changes one device, in a transaction of its own: its row is locked before it is read, so that what is given back is what
 * was changed.
 *
 * @returns the row as it was before; undefined when there is none.
 */
export async function changeRow(
  client: ClientBase,
  deviceId: string,
  { enabled, kind, boundTo, groups, certificateFingerprint: fingerprint }: DeviceChanges,
): Promise<Device | undefined> {
  await client.query('BEGIN');
  try {
    const { rows } = await client.query<DeviceRow>(lockDevice, [deviceId]);
    const before = rows[0] && toDevice(rows[0]);
    if (before !== undefined) {
      const isSet = fingerprint !== undefined;
      const named = [enabled ?? null, kind ?? null, boundTo ?? null, groups ?? null];
      await client.query(changeDevice, [deviceId, ...named, isSet, fingerprint ?? null]);
    }
    await client.query('COMMIT');
    return before;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
