import type { Identity } from './identity.ts';
import type { Rejection } from './outcome.ts';
import { quoted } from './quoted.ts';
import { RouteError } from './route.ts';
import type { RouteMatch, RouteTable } from './route-table.ts';
import { TopicPattern } from './topic-pattern.ts';

/** What a device may publish and subscribe to (rule 5 of the rules of delivery). */
export class Access {
  readonly #routes: RouteTable;
  readonly #commandTopic: TopicPattern;

  /**
   * @param commandTopic pattern of the topic on which a vehicle gets its commands; its first named level is the vehicle.
   * @throws {RouteError} when it is no pattern or has no named level.
   */
  constructor(routes: RouteTable, commandTopic: string) {
    this.#routes = routes;
    this.#commandTopic = new TopicPattern(commandTopic);
    if (this.#commandTopic.names.length === 0) {
      throw new RouteError(`command topic "${commandTopic}" has no named level for the vehicle`);
    }
  }

  /** Why the device may not publish to the topic; undefined when it may. The same check as the pipeline's, for wills. */
  mayPublish(identity: Identity, topic: string): Rejection | undefined {
    const match = this.#routes.match(topic);
    return match === undefined ? noRoute : notAuthorized(identity, match);
  }

  /** A vehicle: the topic of its own commands, to the letter. A bay: nothing. Anonymous: any one vehicle's commands. */
  maySubscribe(identity: Identity, filter: string): boolean {
    if (identity.kind === 'bay' || /[+#]/.test(filter)) return false;
    const vehicleId = this.#commandTopic.match(filter)?.[0];
    if (vehicleId === undefined) return false;
    return identity.kind === 'anonymous' || vehicleId === identity.boundTo;
  }
}

export const noRoute: Rejection = Object.freeze({ reason: 'no_route', detail: 'the topic matches no route' });

/** Why the device may not use the matched route; undefined when it may. */
export function notAuthorized(identity: Identity, match: RouteMatch): Rejection | undefined {
  if (identity.kind === 'anonymous') return undefined;
  const { settings, subjectLevel } = match.route;
  if (identity.kind === settings.deviceKind && identity.boundTo === match.levels[subjectLevel]) return undefined;
  return {
    reason: 'not_authorized',
    detail: `the device is bound to ${identity.kind} ${quoted(identity.boundTo)}, the topic belongs to ${settings.deviceKind} ${quoted(match.levels[subjectLevel])}`,
  };
}
