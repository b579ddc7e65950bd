import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { change } from '../changes.ts';
import type { AdministeredDevice, DeviceAdministration } from '../devices.ts';
import type { AdministrationOptions } from '../options.ts';
import { Problem } from '../problem.ts';
import * as schemas from '../schemas.ts';
import { operation } from './operation.ts';

const tag = 'devices';
export type DeviceParams = { Params: Static<typeof schemas.deviceParams> };

/** Throws where this gateway has no registry. */
export function registryOf({ devices }: Pick<AdministrationOptions, 'devices'>): DeviceAdministration {
  const registry = devices();
  if (registry === undefined) throw new Problem('registry_unavailable', 'this gateway has no device registry');
  return registry;
}

export const unknownDevice = (deviceId: string): Problem => new Problem('not_found', `there is no device ${deviceId}`);

const iso = (ms: number): string => new Date(ms).toISOString();

export const shown = ({ createdAtMs, rotatedAtMs, certificateFingerprint, ...device }: AdministeredDevice) => ({
  ...device,
  ...(certificateFingerprint === undefined ? {} : { certificateFingerprint }),
  createdAt: iso(createdAtMs),
  ...(rotatedAtMs === undefined ? {} : { rotatedAt: iso(rotatedAtMs) }),
});

/** Looking at devices. */
export function addDeviceReads(server: FastifyInstance, options: AdministrationOptions): void {
  server.get<{ Querystring: Static<typeof schemas.deviceQuery> }>(
    '/v1/devices',
    operation({
      id: 'listDevices',
      tag,
      scope: 'read',
      summary: 'Devices in the order of their ids.',
      query: schemas.deviceQuery,
      ok: [200, schemas.devicePage],
    }),
    async ({ query: { cursor = '', limit = schemas.usualLimit, kind, enabled } }) => {
      const wish = { after: cursor, limit, kind: kind === undefined ? undefined : kindOf(kind), enabled };
      const { devices, next } = await registryOf(options).page(wish);
      return { devices: devices.map(shown), ...(next === undefined ? {} : { nextCursor: next }) };
    },
  );

  server.get<DeviceParams>(
    '/v1/devices/:deviceId',
    operation({
      id: 'getDevice',
      tag,
      scope: 'read',
      summary: 'One device.',
      params: schemas.deviceParams,
      ok: [200, schemas.device],
    }),
    async ({ params: { deviceId } }) => {
      const device = await registryOf(options).find(deviceId);
      if (device === undefined) throw unknownDevice(deviceId);
      return shown(device);
    },
  );
}

/** Making devices, and taking them away. */
export function addDeviceLife(server: FastifyInstance, options: AdministrationOptions): void {
  server.post<{ Body: Static<typeof schemas.newDevice> }>(
    '/v1/devices',
    operation({
      id: 'createDevice',
      tag,
      scope: 'admin',
      action: 'device.create',
      summary: 'Registers a device and shows its new secret, once.',
      body: schemas.newDevice,
      ok: [201, schemas.createdDevice],
    }),
    async (request, reply) => {
      const { deviceId, kind, boundTo, enabled = true, groups = [], certificateFingerprint } = request.body;
      const result = await change(options.trail, request, deviceId, async () => {
        const what = { deviceId, kind: kindOf(kind), boundTo, enabled, groups, certificateFingerprint };
        const created = await registryOf(options).create(what);
        if (created === undefined) throw new Problem('already_exists', `device ${deviceId} is registered already`);
        return {
          result: created,
          status: 201,
          detail: {
            kind,
            boundTo,
            enabled,
            groups: groups.join(' '),
            certificateFingerprint: certificateFingerprint ?? '',
          },
        };
      });
      reply.code(201).header('location', `/v1/devices/${encodeURIComponent(deviceId)}`);
      return { device: shown(result.device), secret: result.secret };
    },
  );

  server.delete<DeviceParams>(
    '/v1/devices/:deviceId',
    operation({
      id: 'removeDevice',
      tag,
      scope: 'admin',
      action: 'device.remove',
      summary: 'Forgets a device, and ends its connections.',
      params: schemas.deviceParams,
      ok: [200, schemas.removedDevice],
    }),
    async (request) => {
      const { deviceId } = request.params;
      return change(options.trail, request, deviceId, async () => {
        const ended = await registryOf(options).remove(deviceId);
        if (ended === undefined) throw unknownDevice(deviceId);
        const { sessionsEnded } = ended;
        return { result: { deviceId, sessionsEnded }, detail: { sessionsEnded } };
      });
    },
  );
}

/** The schema has seen to it that it is one. */
export const kindOf = (kind: string): 'vehicle' | 'bay' => (kind === 'bay' ? 'bay' : 'vehicle');
