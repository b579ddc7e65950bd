import { haveSameRights, type Identity } from '../core/identity.ts';
import type { MqttContext } from './context.ts';
import type { Session } from './session.ts';
import type { Will } from './will.ts';

/** What the registry says of devices by now; undefined of those that may not connect any more. */
export type DevicesNow = ReadonlyMap<string, Identity | undefined>;

/** An anonymous client has the name that it gives itself, which may be that of a device. */
const isRegistered = ({ kind }: Identity): boolean => kind !== 'anonymous';

/** See `MqttServer.devices`. */
export function registeredDevices({ connections, sessions, wills }: MqttContext): Set<string> {
  const devices = new Set<string>();
  for (const { identity, hasEnded } of connections) {
    if (identity !== undefined && !hasEnded && isRegistered(identity)) devices.add(identity.deviceId);
  }
  for (const { identity } of sessions.awaySessions) if (isRegistered(identity)) devices.add(identity.deviceId);
  for (const { identity } of wills.sessions) if (isRegistered(identity)) devices.add(identity.deviceId);
  return devices;
}

/** See `MqttServer.useDevices`. */
export function endChanged(context: MqttContext, now: DevicesNow): number {
  let ended = 0;
  // Of sessions that have ended, too: their wills may wait for less pressure.
  context.wills.withdraw(
    ({ identity }, will) => hasChanged(identity, now) && !mayLeave(context, will, now.get(identity.deviceId)),
  );
  for (const connection of context.connections) {
    const { identity, session } = connection;
    if (identity === undefined || connection.hasEnded || !hasChanged(identity, now)) continue;
    const present = now.get(identity.deviceId);
    if (session !== undefined && restrict(context, session, present)) session.expirySeconds = 0;
    connection.deviceChanged(present !== undefined);
    ended += 1;
  }
  for (const session of context.sessions.awaySessions) {
    if (!hasChanged(session.identity, now)) continue;
    if (restrict(context, session, now.get(session.identity.deviceId))) context.sessions.end(session);
  }
  return ended;
}

/** Another number, not only a higher one: a database that was restored counts from an earlier one. */
function hasChanged(identity: Identity, now: DevicesNow): boolean {
  if (!isRegistered(identity) || !now.has(identity.deviceId)) return false;
  const present = now.get(identity.deviceId);
  return present === undefined || (present.revision ?? 0) !== (identity.revision ?? 0);
}

const mayLeave = ({ options }: MqttContext, { fields }: Will, present: Identity | undefined): boolean =>
  present !== undefined && options.mayPublish(present, fields.topic);

/** Takes away a will that the device could not leave now. Returns whether the session must end, too. */
function restrict(context: MqttContext, session: Session, present: Identity | undefined): boolean {
  if (session.will !== undefined && !mayLeave(context, session.will, present)) {
    session.will = undefined;
    context.observer.willWithdrawn();
  }
  return present === undefined || !haveSameRights(session.identity, present);
}
