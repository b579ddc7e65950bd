import type { Identity } from '../core/identity.ts';
import type { MqttContext } from './context.ts';
import type { Session } from './session.ts';

type MayStay = (identity: Identity, filter: string) => boolean;

/**
 * Takes away the subscriptions that are not allowed any more, also those of sessions that are away. Nobody is told: a server
 * has no packet for it (MQTT 5.0, section 3.10 is the client's alone), and ending the connection would make a reload of rules
 * a storm of reconnects.
 *
 * @returns how many were taken away.
 */
export function endSubscriptions(context: MqttContext, mayStay: MayStay): number {
  let ended = 0;
  for (const session of context.sessions.all()) ended += endSubscriptionsOf(session, mayStay);
  return ended;
}

/** Those of one session, for the identity that it has now. */
export function endSubscriptionsOf({ identity, subscriptions }: Session, mayStay: MayStay): number {
  if (subscriptions === undefined) return 0;
  let ended = 0;
  for (const filter of subscriptions.keys()) {
    if (mayStay(identity, filter)) continue;
    subscriptions.delete(filter);
    ended += 1;
  }
  return ended;
}
