import type { TSchema } from 'typebox';
import { describe, expect, it } from 'vitest';
import { describeConfigError, joinPath } from '../../gateway/config/errors.ts';
import { defaultConfig, loadConfig } from '../../gateway/config/load.ts';
import { maskConfig, printConfig } from '../../gateway/config/mask.ts';
import { type GatewayConfig, gatewaySettings } from '../../gateway/config/schema.ts';
import { isArraySchema, isObjectSchema, keywords, variableOf } from '../../gateway/config/settings-tree.ts';

const canary = 'canary-7f3e9a';
type Path = readonly (string | number)[];

interface TextSetting {
  readonly path: Path;
  readonly schema: TSchema;
}

/** Every setting that takes any text, those in lists too, as the schema has them. */
function* textsOf(schema: TSchema, path: Path = []): Generator<TextSetting> {
  if (isObjectSchema(schema)) {
    for (const [key, child] of Object.entries(schema.properties)) yield* textsOf(child, [...path, key]);
  } else if (isArraySchema(schema)) {
    yield* textsOf(schema.items, [...path, 0]);
  } else if (keywords(schema).type === 'string' && keywords(schema).enum === undefined) {
    yield { path, schema };
  }
}

const texts = [...textsOf(gatewaySettings)];
const held = (holds: string) =>
  texts.filter(({ schema }) => keywords(schema).holds === holds).map(({ path }) => [joinPath(path), path] as const);
const secrets = held('secret');
const addresses = held('url');
const nameOf = ({ path }: TextSetting): string => String(path.findLast((key) => typeof key === 'string'));

/** A copy of `value` in which `path` is `leaf`; what is missing on the way is made. */
function withLeaf(value: unknown, [key, ...rest]: Path, leaf: unknown): unknown {
  if (key === undefined) return leaf;
  if (typeof key === 'number') {
    const list = Array.isArray(value) ? value : [];
    return [withLeaf(list[key], rest, leaf), ...list.slice(1)];
  }
  const mapping = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { ...mapping, [key]: withLeaf(mapping[key], rest, leaf) };
}

/** Everything that is said about settings from these sources: printed and logged, or why they are refused. */
function said(sources: Parameters<typeof loadConfig>[0]): string {
  const result = loadConfig({ env: {}, ...sources });
  if (!result.ok) return `${JSON.stringify(result.errors)}\n${result.errors.map(describeConfigError).join('\n')}`;
  return `${printConfig(result.config)}\n${JSON.stringify(maskConfig(result.config))}`;
}

describe('the settings', () => {
  it('know a secret by its name: one that is called so is marked as one, and never shown', () => {
    const called = texts.filter((each) => /(password|secret|token|credential|apikey|privatekey)$/i.test(nameOf(each)));
    const unmarked = called.filter(({ schema }) => keywords(schema).holds !== 'secret');
    expect(unmarked.map(({ path }) => joinPath(path))).toEqual([]);
    expect(called.length).toBeGreaterThan(0);
  });

  it('know an address by its name: it may hold a password, and is shown without', () => {
    const called = texts.filter((each) => /(url|uri|endpoint)$/i.test(nameOf(each)));
    const unmarked = called.filter(({ schema }) => !['url', 'secret'].includes(keywords(schema).holds ?? ''));
    expect(unmarked.map(({ path }) => joinPath(path))).toEqual([]);
    expect(called.length).toBeGreaterThan(0);
  });
});

describe.each(secrets)('the secret %s', (_name, path) => {
  it('is masked where settings are printed or logged', () => {
    const config = withLeaf(defaultConfig, path, canary) as GatewayConfig;
    expect(JSON.stringify(maskConfig(config))).not.toContain(canary);
    expect(printConfig(config)).not.toContain(canary);
  });

  it.each([canary, [canary], { [canary]: canary }, { password: canary }, `${canary}\n`])(
    'is in no error and no print, given as %j',
    (value) => {
      expect(said({ settings: withLeaf({}, path, value) })).not.toContain(canary);
    },
  );

  it('is in no error when what is around it is wrong', () => {
    const parent = path.slice(0, -1);
    const key = path.at(-1) as string;
    expect(said({ settings: withLeaf({}, parent, { [key]: canary, unknownSetting: 1 }) })).not.toContain(canary);
    expect(said({ settings: withLeaf({}, parent, [{ [key]: canary }]) })).not.toContain(canary);
  });

  it.runIf(path.every((key) => typeof key === 'string'))('is in no error and no print, given by its variable', () => {
    expect(said({ settings: {}, env: { [variableOf(path as string[])]: canary } })).not.toContain(canary);
  });
});

describe.each(addresses)('the address %s', (_name, path) => {
  it.each([
    `https://user:${canary}@host.example/path`,
    `https://host.example/path?token=${canary}`,
    `ftp://user:${canary}@host.example`,
    `https://user:${canary}/x@host.example`,
  ])('shows no password: %s', (address) => {
    const config = withLeaf(defaultConfig, path, address) as GatewayConfig;
    expect(JSON.stringify(maskConfig(config))).not.toContain(canary);
    expect(said({ settings: withLeaf({}, path, address) })).not.toContain(canary);
  });
});
