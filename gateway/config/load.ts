import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Default } from 'typebox/value';
import { check } from './check.ts';
import { type Environment, type Override, readEnvironment } from './environment.ts';
import type { ConfigError } from './errors.ts';
import { defaultRoutesTo } from './event-topics.ts';
import { contradictions } from './relations.ts';
import { type GatewayConfig, gatewaySettings } from './schema.ts';
import { isMapping, mapTexts } from './settings-tree.ts';
import { parseYaml } from './yaml-text.ts';

export type { GatewayConfig } from './schema.ts';

export interface ConfigSources {
  /** YAML file; relative paths in it start from its folder. */
  readonly file?: string | undefined;
  /** Settings as a plain value in the shape of the file, in place of one: for embedding the gateway. */
  readonly settings?: unknown;
  /** Environment variables; the process's own by default. Relative paths in them start from the working directory. */
  readonly env?: Environment;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: GatewayConfig }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** Relative paths among the defaults (the Protobuf files, the schemas) start from where the gateway is installed. */
const installationFolder = resolve(import.meta.dirname, '../..');

/**
 * Reads the settings once: defaults, below the file, below the environment. All that is wrong is reported together;
 * relations between settings are judged when each of them is right by itself.
 */
export function loadConfig({ file, settings, env = process.env }: ConfigSources = {}): ConfigResult {
  const given = file === undefined ? { value: settings ?? {}, errors: [] } : readFile(file);
  const { overrides, errors: fromEnvironment } = readEnvironment(env);
  const errors = [
    ...given.errors,
    ...(given.errors.length > 0 ? [] : check(gatewaySettings, given.value)),
    ...fromEnvironment,
  ];
  if (errors.length > 0) return { ok: false, errors };

  const folder = file === undefined ? process.cwd() : dirname(resolve(file));
  const config = combine(resolvePaths(given.value, folder), overrides);
  const contradicting = contradictions(config);
  return contradicting.length > 0 ? { ok: false, errors: contradicting } : { ok: true, config: deepFreeze(config) };
}

function readFile(file: string): { value: unknown; errors: ConfigError[] } {
  const unreadable = (value: string, allowed: string) => ({
    value: undefined,
    errors: [{ code: 'unreadable_file', setting: file, value, allowed } satisfies ConfigError],
  });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return unreadable(error instanceof Error ? error.message : String(error), 'a readable file is needed');
  }
  const parsed = parseYaml(text);
  if (parsed.problem !== undefined) return unreadable(parsed.problem, 'YAML 1.2 is needed');
  // A file in which everything is commented out.
  return { value: parsed.value ?? {}, errors: [] };
}

const resolvePaths = (value: unknown, folder: string): unknown =>
  mapTexts(gatewaySettings, value, (text, holds) => (holds === 'path' && text !== '' ? resolve(folder, text) : text));

/** Both arguments are checked and their paths absolute; what is still relative afterwards came from a default. */
function combine(given: unknown, overrides: readonly Override[]): GatewayConfig {
  const merged = structuredClone(given) as Record<string, unknown>;
  for (const { setting, value } of overrides) {
    let section = merged;
    for (const key of setting.path.slice(0, -1)) {
      const next = isMapping(section[key]) ? section[key] : {};
      section[key] = next;
      section = next;
    }
    const absolute = mapTexts(setting.schema, value, (text, holds) =>
      holds === 'path' && text !== '' ? resolve(text) : text,
    );
    section[setting.path.at(-1) as string] = absolute;
  }
  const hasOwnRoutes = merged.routes !== undefined;
  const complete = resolvePaths(Default(gatewaySettings, merged), installationFolder) as GatewayConfig;
  return {
    ...complete,
    routes: hasOwnRoutes ? complete.routes : [...defaultRoutesTo(complete.eventTopics)],
    protoPaths: withOwn(complete.protoPaths, 'proto'),
    schemaPaths: withOwn(complete.schemaPaths, 'schemas'),
  };
}

/** The default routes must keep working beside an operator's own: what they need is always among the paths. */
const withOwn = (paths: readonly string[], folder: string): string[] => [
  ...new Set([...paths, resolve(installationFolder, folder)]),
];

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) deepFreeze(child);
    Object.freeze(value);
  }
  return value;
}

/** The settings that apply when nothing is given. */
export const defaultConfig: GatewayConfig = deepFreeze(combine({}, []));
