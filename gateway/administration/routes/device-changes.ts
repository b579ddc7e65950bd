import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import type { AuditDetail } from '../audit/audit-record.ts';
import { change } from '../changes.ts';
import type { AdministeredDevice } from '../devices.ts';
import { demandScope } from '../guard.ts';
import type { AdministrationOptions } from '../options.ts';
import * as schemas from '../schemas.ts';
import { type DeviceParams, kindOf, registryOf, shown, unknownDevice } from './devices.ts';
import { operation } from './operation.ts';

const tag = 'devices';
/** RFC 7396. */
const mergePatchType = 'application/merge-patch+json';
type Wanted = Static<typeof schemas.deviceChange>;

/** What of a device may be changed; beside whether it may connect, only by `admin`. */
const changeable = ['enabled', 'kind', 'boundTo', 'groups', 'certificateFingerprint'] as const;

/** Changing devices. In a context of its own, as only here a body may be a merge patch. */
export function addDeviceChanges(server: FastifyInstance, options: AdministrationOptions): void {
  const parser = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser(mergePatchType, { parseAs: 'string' }, parser);
  server.patch<DeviceParams & { Body: Wanted }>(
    '/v1/devices/:deviceId',
    operation({
      id: 'changeDevice',
      tag,
      scope: 'operate',
      action: 'device.change',
      summary: 'Changes a device, and ends its connections if anything is another then.',
      more: 'Anything but `enabled` needs `admin`. A JSON merge patch (RFC 7396): what is left out stays, null takes away.',
      params: schemas.deviceParams,
      body: schemas.deviceChange,
      consumes: ['application/json', mergePatchType],
      ok: [200, schemas.changedDevice],
    }),
    async (request) => {
      const { deviceId } = request.params;
      const { kind, ...rest } = request.body;
      const rights = changeable.filter((name) => name !== 'enabled' && request.body[name] !== undefined);
      if (rights.length > 0) await demandScope(options, request, 'admin', { wanted: rights.join(' ') });
      const work = async () => {
        const wanted = kind === undefined ? rest : { ...rest, kind: kindOf(kind) };
        const changed = await registryOf(options).change(deviceId, wanted);
        if (changed === undefined) throw unknownDevice(deviceId);
        const { before, after, sessionsEnded } = changed;
        const detail = { ...differences(request.body, before, after), sessionsEnded };
        return { result: { device: shown(after), sessionsEnded }, detail };
      };
      return change(options.trail, request, deviceId, work, wishes(request.body));
    },
  );
}

/** New secrets. */
export function addSecrets(server: FastifyInstance, options: AdministrationOptions): void {
  server.post<DeviceParams>(
    '/v1/devices/:deviceId/secret',
    operation({
      id: 'rotateSecret',
      tag,
      scope: 'admin',
      action: 'device.rotate',
      summary: 'Replaces the secret of a device, shows the new one, once, and ends its connections.',
      params: schemas.deviceParams,
      ok: [200, schemas.rotatedDevice],
    }),
    async (request) => {
      const { deviceId } = request.params;
      return change(options.trail, request, deviceId, async () => {
        const rotated = await registryOf(options).rotate(deviceId);
        if (rotated === undefined) throw unknownDevice(deviceId);
        const { secret, sessionsEnded } = rotated;
        return { result: { deviceId, secret, sessionsEnded }, detail: { sessionsEnded } };
      });
    },
  );
}

/** For the record: all that is asked for. */
const wishes = (wanted: Wanted): AuditDetail =>
  Object.fromEntries(
    changeable.flatMap((name) => {
      const value = wanted[name];
      return value === undefined ? [] : [[name, told(value ?? undefined)]];
    }),
  );

/** For the record: of all that was asked for, what it is now, and what it was before. */
function differences(wanted: Wanted, before: AdministeredDevice, after: AdministeredDevice): AuditDetail {
  const named = changeable.filter((name) => wanted[name] !== undefined);
  return Object.fromEntries(
    named.flatMap((name) => [
      [name, told(after[name])],
      [`${name}Before`, told(before[name])],
    ]),
  );
}

const told = (value: boolean | string | readonly string[] | undefined): boolean | string =>
  typeof value === 'object' ? value.join(' ') : (value ?? '');
