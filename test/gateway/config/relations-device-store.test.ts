import { describe, expect, it } from 'vitest';
import { describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';
import { printConfig } from '../../../gateway/config/mask.ts';

const load = (identity: object, more: object = {}) => loadConfig({ settings: { identity, ...more }, env: {} });

const problems = (identity: object, more: object = {}): string => {
  const result = load(identity, more);
  return result.ok ? 'none' : result.errors.map(describeConfigError).join('\n');
};

const local = { url: 'postgresql://edge@127.0.0.1:5432/devices' };
const remote = { url: 'postgresql://edge@db.example/devices' };
const inServer = (postgres: object) => ({ store: 'postgres', postgres });

describe('the settings of a device registry in PostgreSQL', () => {
  it('are a server, a user and a database, on this machine or over TLS', () => {
    expect(problems(inServer(local))).toBe('none');
    expect(problems(inServer({ ...remote, tls: { enabled: true } }))).toBe('none');
    expect(problems(inServer({ ...remote, allowPlaintext: true }))).toBe('none');
    expect(problems(inServer(remote))).toContain('identity.postgres.tls.enabled');
  });

  it.each([
    ['no address', {}],
    ['no user', { url: 'postgresql://127.0.0.1/devices' }],
    ['no database', { url: 'postgresql://edge@127.0.0.1' }],
    ['parameters', { url: `${local.url}?sslmode=disable` }],
    ['another protocol', { url: 'http://edge@127.0.0.1/devices' }],
  ])('are refused with %s', (_what, postgres) => {
    expect(problems(inServer(postgres))).toContain('identity.postgres.url');
  });

  it('hold one password, which is never shown', () => {
    const url = 'postgresql://edge:canary-url@127.0.0.1/devices';
    expect(problems(inServer({ url, passwordFile: 'secret' }))).toContain('identity.postgres.passwordFile');
    const both = load(inServer({ url, password: 'canary-password' }));
    if (!both.ok) throw new Error(problems(inServer({ url })));
    const printed = printConfig(both.config);
    expect(printed).not.toContain('canary');
    expect(problems(inServer({ url: `${url}?x=1`, password: 'canary-password' }))).not.toContain('canary');
  });

  it('leave time for an answer to CONNECT', () => {
    const mqtt = { mqtt: { connectTimeoutMs: 4001 } };
    expect(problems(inServer({ ...local, timeoutMs: 1000 }), mqtt)).toBe('none');
    expect(problems(inServer({ ...local, timeoutMs: 1001 }), mqtt)).toContain('identity.postgres.timeoutMs');
  });

  it('are not looked at where nobody asks the registry', () => {
    expect(problems(inServer({}), { listeners: [{ name: 'lab', auth: 'anonymous' }] })).toBe('none');
    expect(problems({ store: 'sqlite', postgres: remote })).toBe('none');
  });

  it('can be given by the environment', () => {
    const env = { EDGE_IDENTITY_STORE: 'postgres', EDGE_IDENTITY_POSTGRES_URL: local.url };
    const result = loadConfig({ env: { ...env, EDGE_IDENTITY_POSTGRES_PASSWORD: 'secret' } });
    expect(result.ok && result.config.identity.postgres).toMatchObject({ url: local.url, password: 'secret' });
  });
});
