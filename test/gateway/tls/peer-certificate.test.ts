import { describe, expect, it } from 'vitest';
import type { CertificateNameKind, CertificateNames } from '../../../gateway/core/client-certificate.ts';
import { deviceIdByRule } from '../../../gateway/identity/certificate-rule.ts';
import { readAlternativeNames } from '../../../gateway/tls/peer-certificate.ts';

const none: CertificateNames = { uris: [], dnsNames: [], commonNames: [] };

describe('the alternative names of a certificate', () => {
  it('are told apart, also where one of them looks like two', () => {
    expect(readAlternativeNames('DNS:a.example, URI:urn:device:d, IP Address:127.0.0.1')).toEqual([
      ['DNS', 'a.example'],
      ['URI', 'urn:device:d'],
      ['IP Address', '127.0.0.1'],
    ]);
    expect(readAlternativeNames('URI:"urn:device:a\\u002c URI:urn:device:b"')).toEqual([
      ['URI', 'urn:device:a, URI:urn:device:b'],
    ]);
    expect(readAlternativeNames('')).toEqual([]);
  });

  it.each(['URI:"broken', 'nonsense', ', ', '"'])('are nobody’s where they make no sense: %j', (text) => {
    const values = readAlternativeNames(text).filter(([type]) => type === 'URI');
    expect(values.every(([, value]) => value === '')).toBe(true);
  });
});

describe('the device of a certificate', () => {
  it.each<[CertificateNameKind, string, Partial<CertificateNames>, string | undefined]>([
    ['san-uri', '', { uris: ['urn:device:d-1'] }, 'd-1'],
    ['san-uri', '', { uris: ['https://x.example', 'urn:device:d-1'] }, 'd-1'],
    ['san-uri', '', { dnsNames: ['urn:device:d-1'], commonNames: ['d-1'] }, undefined],
    ['san-uri', '', { uris: ['urn:device:'] }, undefined],
    ['san-uri', '', { uris: ['urn:device:a', 'urn:device:b'] }, undefined],
    ['san-uri', '', { uris: ['urn:device:a', 'urn:device:a'] }, 'a'],
    ['san-uri', '', { uris: ['urn:device:a/../b'] }, undefined],
    ['san-uri', 'spiffe://fleet/{deviceId}/tls', { uris: ['spiffe://fleet/d/tls'] }, 'd'],
    ['san-uri', 'spiffe://fleet/{deviceId}/tls', { uris: ['spiffe://fleet/tls'] }, undefined],
    ['san-dns', '{deviceId}.devices.example', { dnsNames: ['d-1.devices.example'] }, 'd-1'],
    ['san-dns', '{deviceId}.devices.example', { dnsNames: ['d-1.devices.example.evil'] }, undefined],
    ['cn', '', { commonNames: ['d-1'] }, 'd-1'],
    ['cn', '', { commonNames: ['a', 'b'] }, undefined],
    ['cn', '', { commonNames: ['a\nb'] }, undefined],
    ['cn', '', {}, undefined],
  ])('by %s and pattern %j of %j is %s', (deviceIdFrom, pattern, names, expected) => {
    expect(deviceIdByRule({ deviceIdFrom, pattern })({ ...none, ...names })).toBe(expected);
  });

  it.each<CertificateNameKind>(['san-uri', 'san-dns', 'cn'])(
    'is found by %s without looking at the other names',
    (kind) => {
      const asked: string[] = [];
      const nameOf = (which: string): readonly string[] => {
        asked.push(which);
        return ['dev-1'];
      };
      const names: CertificateNames = {
        get uris() {
          return nameOf('san-uri');
        },
        get dnsNames() {
          return nameOf('san-dns');
        },
        get commonNames() {
          return nameOf('cn');
        },
      };
      expect(deviceIdByRule({ deviceIdFrom: kind, pattern: '{deviceId}' })(names)).toBe('dev-1');
      expect(asked).toEqual([kind]);
    },
  );
});
