import { ruleProblems } from '../core/authorization/rule-problems.ts';
import { type ConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import type { GatewayConfig } from './schema.ts';

type Config = Pick<GatewayConfig, 'authorization' | 'routes'>;

/** Rules against the routes that they are about, and routes against what no rule can give: a key of another vehicle. */
export const authorizationContradictions = (config: Config): ConfigError[] => [...ofRules(config), ...ofKeys(config)];

function ofRules({ authorization, routes }: Config): ConfigError[] {
  const { rules, rulesFile } = authorization;
  if (rules === undefined) return [];
  if (rulesFile !== '') {
    return [
      contradiction(['authorization', 'rulesFile'], rulesFile, 'nothing beside authorization.rules: one of the two'),
    ];
  }
  return ruleProblems(rules, routes).map(({ path, value, problem }) => ({
    code: 'invalid_rule',
    setting: joinPath(['authorization', ...path]),
    value: showValue(value),
    allowed: problem,
  }));
}

/**
 * Identity decides the key (rule 5): of a vehicle's records it is the id that the device is bound to, as the topic's level,
 * or as the field that must be equal to it.
 */
function ofKeys({ routes }: Config): ConfigError[] {
  return routes.flatMap(({ deviceKind, subject, key }, index) => {
    const own = [`topic:${subject}`, `payload:${subject}`];
    if (deviceKind !== 'vehicle' || key.split('|').every((source) => own.includes(source))) return [];
    return [contradiction(['routes', index, 'key'], key, `${own.join(' or ')}: a vehicle's records have its own key`)];
  });
}

const contradiction = (path: readonly (string | number)[], value: unknown, allowed: string): ConfigError => ({
  code: 'contradiction',
  setting: joinPath(path),
  value: showValue(value),
  allowed,
});
