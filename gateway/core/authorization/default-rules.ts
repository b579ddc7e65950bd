import type { RouteSettings } from '../route.ts';
import type { AccessAction, AuthorizationRule, IdentityKind } from './rule.ts';

const namedLevel = /\{\w+\}/g;

/**
 * The rules of a gateway whose configuration names none: a device publishes, and leaves wills, on the topics of the routes
 * that are of its kind, for what it is bound to; a vehicle reads its own commands. An anonymous client may do so for any
 * vehicle or bay.
 *
 * @param commandTopic its first named level is the vehicle.
 */
export function defaultRules(routes: readonly RouteSettings[], commandTopic: string): AuthorizationRule[] {
  const reports = (['vehicle', 'bay'] as const).map((kind) => {
    const own = routes.filter(({ deviceKind }) => deviceKind === kind);
    return rule(`a ${kind} reports for itself`, ['publish', 'will'], kind, own.map(ownTopics));
  });
  const [vehicle = ''] = commandTopic.match(namedLevel) ?? [];
  const ownCommands = commandTopic.replace(vehicle, '{boundTo}').replace(/\{(?!boundTo\})\w+\}/g, '+');
  return [
    ...reports,
    rule('a vehicle reads its commands', ['subscribe'], 'vehicle', [ownCommands]),
    rule('an anonymous client reports for anybody', ['publish', 'will'], 'anonymous', routes.map(anyTopics)),
    rule('an anonymous client reads commands', ['subscribe'], 'anonymous', [commandTopic.replace(namedLevel, '+')]),
  ].filter(({ topics }) => topics.length > 0);
}

const rule = (
  name: string,
  actions: readonly AccessAction[],
  kind: IdentityKind,
  topics: readonly string[],
): AuthorizationRule => ({ name, effect: 'allow', actions, kinds: [kind], topics: [...new Set(topics)] });

const ownTopics = ({ pattern, subject }: RouteSettings): string =>
  pattern.replace(namedLevel, (level) => (level === `{${subject}}` ? '{boundTo}' : '+'));

const anyTopics = ({ pattern }: RouteSettings): string => pattern.replace(namedLevel, '+');
