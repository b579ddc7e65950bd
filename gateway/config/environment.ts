import { check } from './check.ts';
import type { ConfigError } from './errors.ts';
import { keywords, type Setting, settings, variablePrefix } from './settings-tree.ts';
import { suggest } from './suggest.ts';
import { parseYaml } from './yaml-text.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One setting given by an environment variable. */
export interface Override {
  readonly setting: Setting;
  readonly value: unknown;
}

const byVariable = new Map(settings.map((setting) => [setting.variable, setting]));

/**
 * Kubernetes puts the addresses of a namespace's services into every pod (`EDGE_INGEST_GATEWAY_SERVICE_HOST` for a
 * service named edge-ingest-gateway). Nobody set those, so they are no typing errors.
 */
const serviceLink = /_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;
const serviceAddress = /^(tcp|udp|sctp):\/\//;

const isServiceLink = (name: string, value: string): boolean =>
  serviceLink.test(name) || (name.endsWith('_PORT') && serviceAddress.test(value));

/** Reads the `EDGE_` variables: each is a setting with a fitting value, or an error that names it. */
export function readEnvironment(env: Environment): { overrides: Override[]; errors: ConfigError[] } {
  const overrides: Override[] = [];
  const errors: ConfigError[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(variablePrefix) || text === undefined) continue;
    const setting = byVariable.get(name);
    if (setting === undefined) {
      if (!isServiceLink(name, text)) errors.push(unknownVariable(name));
      continue;
    }
    const value = parseVariable(setting, text);
    const found = check(setting.schema, value, setting.path);
    errors.push(...found.map((error) => ({ ...error, setting: `${name} (${error.setting})` })));
    if (found.length === 0) overrides.push({ setting, value });
  }
  return { overrides, errors };
}

/** Text settings take the variable as it is; the others are read as YAML, which JSON is a part of. */
function parseVariable(setting: Setting, text: string): unknown {
  const { type, enum: choices } = keywords(setting.schema);
  if (type === 'string' || choices !== undefined) return text;
  const parsed = parseYaml(text);
  return parsed.problem === undefined ? parsed.value : text;
}

function unknownVariable(name: string): ConfigError {
  const near = suggest(name, [...byVariable.keys()]);
  return {
    code: 'unknown_setting',
    setting: name,
    value: '',
    allowed: near === undefined ? 'the variables are in docs/configuration.md' : `did you mean ${near}?`,
  };
}
