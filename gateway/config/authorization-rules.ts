import { readFileSync } from 'node:fs';
import { Default } from 'typebox/value';
import { defaultRules } from '../core/authorization/default-rules.ts';
import type { AuthorizationRule } from '../core/authorization/rule.ts';
import { type RuleProblem, ruleProblems } from '../core/authorization/rule-problems.ts';
import { defaultCommandTopic } from '../core/default-routes.ts';
import type { RouteSettings } from '../core/route.ts';
import { check } from './check.ts';
import { describeConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import type { GatewayConfig } from './schema.ts';
import { rulesFile } from './schema-authorization.ts';
import { parseYaml } from './yaml-text.ts';

/** The rules, or every reason why there are none, one per line, with the file and the place in it. */
export type RulesResult =
  | { readonly rules: readonly AuthorizationRule[]; readonly problems?: undefined }
  | { readonly rules?: undefined; readonly problems: string };

/** A larger file is not even parsed. */
const maxFileBytes = 4_194_304;

/**
 * The rules that a configuration asks for: those of its file, or its own, or the default ones.
 *
 * @param routes those that are in use, which rules must fit.
 */
export function readRules(
  { rules, rulesFile: path }: GatewayConfig['authorization'],
  routes: readonly RouteSettings[],
): RulesResult {
  if (path !== '') return readRulesFile(path, routes);
  if (rules === undefined) return { rules: defaultRules(routes, defaultCommandTopic) };
  return checked(rules, routes, (problem) => `authorization.${describeRuleProblem(problem)}`);
}

/** Reads a file of rules. Synchronous: rules are exchanged in one piece between two publishes. */
export function readRulesFile(path: string, routes: readonly RouteSettings[]): RulesResult {
  const parsed = parseFile(path);
  if ('problem' in parsed) return { problems: `${path}: ${parsed.problem}` };
  const errors = check(rulesFile, parsed.value);
  if (errors.length > 0) {
    return { problems: errors.map((error) => `${path}: ${describeConfigError(error)}`).join('\n') };
  }
  const { rules } = Default(rulesFile, parsed.value) as { rules: readonly AuthorizationRule[] };
  return checked(rules, routes, (problem) => `${path}: ${describeRuleProblem(problem)}`);
}

/** One line: `rules[2].topics[0]: "a/#/b" has # before its end`. */
export const describeRuleProblem = ({ path, value, problem }: RuleProblem): string =>
  `${joinPath(path)}: ${showValue(value)} ${problem}`;

function checked(
  rules: readonly AuthorizationRule[],
  routes: readonly RouteSettings[],
  describe: (problem: RuleProblem) => string,
): RulesResult {
  const problems = ruleProblems(rules, routes);
  return problems.length === 0 ? { rules } : { problems: problems.map(describe).join('\n') };
}

function parseFile(path: string): { readonly value: unknown } | { readonly problem: string } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return { problem: `the rules can't be read: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (bytes.length > maxFileBytes) return { problem: `has more than ${maxFileBytes} bytes` };
  const parsed = parseYaml(bytes.toString('utf8'));
  return parsed.problem === undefined ? { value: parsed.value } : { problem: `${parsed.problem}; YAML 1.2 is needed` };
}
