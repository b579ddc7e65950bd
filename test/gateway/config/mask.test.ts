import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { defaultConfig, loadConfig } from '../../../gateway/config/load.ts';
import { maskConfig, maskText, printConfig } from '../../../gateway/config/mask.ts';

const url = 'https://user:pass-word@registry.example/apis';
const load = () => {
  const result = loadConfig({ settings: { schemaRegistry: { url } }, env: {} });
  if (!result.ok) throw new Error('refused');
  return result.config;
};

describe('masking', () => {
  it('hides user name and password of an address and leaves the original usable', () => {
    const config = load();
    expect(maskConfig(config).schemaRegistry.url).toBe('https://***@registry.example/apis');
    expect(config.schemaRegistry.url).toBe(url);
  });

  it('prints the effective settings as YAML that is accepted again', () => {
    const printed = printConfig(load());
    expect(printed).not.toContain('pass-word');
    expect(loadConfig({ settings: parse(printed), env: {} })).toMatchObject({ ok: true });
    expect(parse(printConfig(defaultConfig))).toEqual(defaultConfig);
  });

  it.each([
    ['https://u:p@h/x', 'https://***@h/x'],
    ['https://u:p/w@h', 'https://***@h'],
    ['u:p@h:9092', '***@h:9092'],
    ['https://h/x', 'https://h/x'],
    ['plain', 'plain'],
    ['https://h/x?token=abc', 'https://h/x?token=***'],
    ['https://h/x?a=1&API_Key=abc&b=2#top', 'https://h/x?a=1&API_Key=***&b=2#top'],
    ['https://h/?client-secret=a&dbPassword=b', 'https://h/?client-secret=***&dbPassword=***'],
    ['https://u:p@h/?token=a@b', 'https://***@h/?token=***'],
    ['https://u:p?key=w@h/', 'https://***'],
    ['https://h/?limit=5', 'https://h/?limit=5'],
  ])('%s is shown as %s', (text, shown) => {
    expect(maskText(text)).toBe(shown);
  });

  it.each([
    [{ settings: { schemaRegistry: { url: 'ftp://u:pass-word@h' } }, env: {} }],
    [{ settings: { kafka: { bootstrapBrokers: ['u:pass-word@h:1'] } }, env: {} }],
    [{ settings: {}, env: { EDGE_SCHEMA_REGISTRY_URL: 'u:pass-word@h' } }],
    [{ settings: { schemaRegistry: { url: 'ftp://h/?token=pass-word' } }, env: {} }],
  ])('keeps passwords out of error messages: %j', (sources) => {
    const result = loadConfig(sources);
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).not.toContain('pass-word');
  });
});
