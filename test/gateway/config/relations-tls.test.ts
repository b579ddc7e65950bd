import { describe, expect, it } from 'vitest';
import { type ConfigError, describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';

const files = { certFile: '/c.pem', keyFile: '/c.key' };

const errorsOf = (listener: object): readonly ConfigError[] => {
  const result = loadConfig({ settings: { listeners: [{ name: 'a', ...listener }] }, env: {} });
  return result.ok ? [] : result.errors;
};

describe('plain text', () => {
  it.each(['127.0.0.1', '127.9.8.7', '::1', 'localhost'])('is served on %s, which nobody else can reach', (host) => {
    expect(errorsOf({ host })).toEqual([]);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'edge.example', '127.0.0.1.example'])('is refused on %s', (host) => {
    const errors = errorsOf({ host });
    expect(errors).toMatchObject([{ code: 'contradiction', setting: 'listeners[0].host' }]);
    expect(errors.map(describeConfigError).join()).toMatch(/tls .*127\.0\.0\.1.*allowPlaintext: true/);
  });

  it('is served anywhere when somebody has said so, or with TLS', () => {
    expect(errorsOf({ host: '0.0.0.0', allowPlaintext: true })).toEqual([]);
    expect(errorsOf({ host: '0.0.0.0', tls: files })).toEqual([]);
  });
});

describe('the settings of TLS', () => {
  it.each<[object, string, RegExp]>([
    [{ allowPlaintext: true, tls: files }, 'allowPlaintext', /has tls/],
    [{ tls: { ...files, clientCertificates: 'required' } }, 'tls.clientCertificates', /tls\.clientCaFile/],
    [{ tls: { ...files, clientCaFile: '/ca.pem' } }, 'tls.clientCertificates', /optional or required/],
    [{ tls: { ...files, crlFiles: ['/crl.pem'] } }, 'tls.clientCertificates', /optional or required/],
    [{ tls: { ...files, certificateSuffices: true } }, 'tls.certificateSuffices', /tls\.clientCertificates/],
    [
      {
        auth: 'anonymous',
        tls: { ...files, clientCertificates: 'required', clientCaFile: '/ca.pem' },
      },
      'tls.clientCertificates',
      /anonymous/,
    ],
  ])('%j contradict each other', (listener, setting, allowed) => {
    const errors = errorsOf(listener);
    expect(errors).toMatchObject([{ code: 'contradiction', setting: `listeners[0].${setting}` }]);
    expect(errors[0]?.allowed).toMatch(allowed);
  });

  it.each<[object, string, string]>([
    [{ keyFile: '/c.key' }, 'missing_setting', 'tls.certFile'],
    [{ ...files, minVersion: '1.1' }, 'wrong_value', 'tls.minVersion'],
    [{ ...files, minVersion: 1.2 }, 'wrong_value', 'tls.minVersion'],
    [{ ...files, ciphers: 'ALL' }, 'unknown_setting', 'tls.ciphers'],
    [{ ...files, maxHandshakes: 0 }, 'wrong_value', 'tls.maxHandshakes'],
  ])('%j are refused', (tls, code, setting) => {
    expect(errorsOf({ tls })).toMatchObject([{ code, setting: `listeners[0].${setting}` }]);
  });

  it('have defaults, and paths that start from the working directory', () => {
    const result = loadConfig({ settings: { listeners: [{ name: 'a', tls: { ...files, crlFiles: ['x.pem'] } }] } });
    expect(result).toMatchObject({ ok: false });
    const tls = { certFile: 'c.pem', keyFile: 'c.key' };
    const loaded = loadConfig({ settings: { listeners: [{ name: 'a', tls }] }, env: {} });
    expect(loaded).toMatchObject({
      ok: true,
      config: {
        listeners: [
          {
            tls: {
              certFile: `${process.cwd()}/c.pem`,
              clientCertificates: 'none',
              crlFiles: [],
              minVersion: '1.2',
              watchSeconds: 2,
            },
          },
        ],
      },
    });
  });
});

describe('the rule that binds certificates to devices', () => {
  const rule = (certificates: object) => {
    const result = loadConfig({ settings: { identity: { certificates } }, env: {} });
    return result.ok ? [] : result.errors;
  };

  it.each(['', 'urn:device:{deviceId}', '{deviceId}.devices.example'])('may be %j', (pattern) => {
    expect(rule({ pattern })).toEqual([]);
  });

  it.each(['urn:device:', '{deviceId}{deviceId}', '{device}', '{deviceId}{x}'])('must not be %j', (pattern) => {
    expect(rule({ pattern })).toMatchObject([{ code: 'wrong_value', setting: 'identity.certificates.pattern' }]);
  });
});
