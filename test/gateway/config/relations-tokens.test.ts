import { describe, expect, it } from 'vitest';
import { describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';
import { printConfig } from '../../../gateway/config/mask.ts';

const tokens = { jwksUrl: 'https://issuer.example/keys', issuer: 'https://issuer.example', audience: 'edge' };
const taking = (changes: object = {}, credentials = 'token') => ({
  listeners: [{ name: 'devices', credentials }],
  identity: { tokens: { ...tokens, ...changes } },
});

const problems = (settings: unknown): string[] => {
  const result = loadConfig({ settings, env: {} });
  return result.ok ? [] : result.errors.map(describeConfigError);
};

describe('tokens', () => {
  it('are off by default', () => {
    const result = loadConfig({ settings: {}, env: {} });
    expect(result.ok && result.config.listeners.map(({ credentials }) => credentials)).toEqual(['secret']);
  });

  it.each([
    ['token', {}],
    ['either', { jwksUrl: '', jwksFile: 'jwks.json' }],
    ['either', { jwksUrl: 'http://127.0.0.1:9/keys' }],
    ['either', { jwksUrl: 'http://[::1]:9/keys' }],
    ['either', { jwksUrl: 'http://localhost/keys' }],
  ])('as %s are taken with %j', (credentials, changes) => {
    expect(problems(taking(changes, credentials))).toEqual([]);
  });

  it.each(['HS256', 'HS384', 'HS512', 'none', 'None', 'RS1', ''])('can not be allowed to be signed with %j', (name) => {
    expect(problems(taking({ algorithms: ['ES256', name] }))).toEqual([
      `identity.tokens.algorithms[1]: "${name}" is not allowed; allowed: one of ES256, ES384, RS256, PS256, EdDSA, Ed25519`,
    ]);
  });

  it.each<[object, string, RegExp]>([
    [{ algorithms: [] }, 'identity.tokens.algorithms', /at least 1/],
    [{ jwksUrl: '' }, 'identity.tokens.jwksUrl', /as listener devices takes tokens/],
    [{ jwksFile: 'jwks.json' }, 'identity.tokens.jwksUrl', /one of the two/],
    [{ jwksUrl: 'http://issuer.example/keys' }, 'identity.tokens.jwksUrl', /https/],
    [{ jwksUrl: 'http://127.0.0.1.evil.example/keys' }, 'identity.tokens.jwksUrl', /https/],
    [{ jwksUrl: 'https://user:canary@issuer.example/' }, 'identity.tokens.jwksUrl', /without user name/],
    [{ jwksUrl: 'file:///etc/keys' }, 'identity.tokens.jwksUrl', /https address/],
    [{ issuer: '' }, 'identity.tokens.issuer', /who issues the tokens/],
    [{ audience: '' }, 'identity.tokens.audience', /who the tokens are for/],
    [{ timeoutMs: 10_000 }, 'identity.tokens.timeoutMs', /mqtt.connectTimeoutMs \(10000\)/],
  ])('are refused with %j', (changes, setting, needed) => {
    const [problem = '', ...others] = problems(taking(changes));
    expect(others).toEqual([]);
    expect(problem.startsWith(`${setting}: `)).toBe(true);
    expect(problem).toMatch(needed);
    expect(problem).not.toContain('canary');
  });

  it('contradict a listener that asks for nothing', () => {
    const listeners = [{ name: 'lab', auth: 'anonymous', credentials: 'token' }];
    expect(problems({ listeners })[0]).toMatch(/^listeners\[0\].credentials: "token" contradicts/);
  });

  it('have the query of their address masked when it is printed', () => {
    const result = loadConfig({ settings: taking({ jwksUrl: 'https://issuer.example/keys?token=canary' }), env: {} });
    expect(result.ok && printConfig(result.config)).toContain('?token=***');
  });
});
