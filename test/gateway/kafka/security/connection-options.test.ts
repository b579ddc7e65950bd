import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secureOptions } from '../../../../gateway/kafka/security/connection-options.ts';
import type { SaslSettings, TlsSettings } from '../../../../gateway/kafka/security/settings.ts';
import { TestAuthority } from '../../../support/test-authority.ts';

let folder: string;
let ca: string;
let key: string;
let otherKey: string;
let cert: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kafka-tls-'));
  const authority = await TestAuthority.create('authority');
  const client = await authority.issue({ commonName: 'client', usage: 'client' });
  const other = await authority.issue({ commonName: 'other', usage: 'client' });
  ca = write('ca.pem', authority.certificate);
  cert = write('client.pem', client.chain);
  key = write('client-key.pem', client.key);
  otherKey = write('other-key.pem', other.key);
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const plain: TlsSettings = { enabled: true, caFile: '', certFile: '', keyFile: '', serverName: '' };
const tls = (settings: Partial<TlsSettings>, ...hosts: string[]) =>
  secureOptions({ tls: { ...plain, ...settings } }, hosts, 1000);
const oauth = {
  ...{ tokenFile: '', tokenEndpoint: '', clientId: '', clientSecret: '', clientSecretFile: '', scope: '' },
  awsMsk: { region: '', roleArn: '', profile: '' },
};
const scram: SaslSettings = {
  ...{ mechanism: 'SCRAM-SHA-512', userName: 'u', password: '', passwordFile: '' },
  oauth,
};

describe('TLS of a connection', () => {
  it('is off by default, and so is the login', () => {
    expect(secureOptions({}, ['h'], 1000)).toEqual({});
    const off = { tls: { ...plain, enabled: false }, sasl: { ...scram, mechanism: 'none' as const } };
    expect(secureOptions(off, ['h'], 1000)).toEqual({});
  });

  it('always verifies, and names the server unless it is an address', () => {
    expect(tls({ caFile: ca, certFile: cert, keyFile: key }, 'broker.example')).toMatchObject({
      tls: { rejectUnauthorized: true },
      tlsServerName: true,
    });
    expect(tls({ caFile: ca }, '127.0.0.1').tlsServerName).toBeUndefined();
    expect(tls({ caFile: ca }, '::1').tlsServerName).toBeUndefined();
    expect(tls({ caFile: ca, serverName: 'broker.example' }, '127.0.0.1').tlsServerName).toBe('broker.example');
  });

  it('refuses files that are missing, empty, no PEM, or do not fit each other, and says which', () => {
    const unreadable = (settings: Partial<TlsSettings>) => () => tls(settings, 'h');
    expect(unreadable({ caFile: join(folder, 'nothing') })).toThrow(/kafka\.tls\.caFile: .*ENOENT/);
    // Otherwise an emptied file would mean: trust whom Node trusts.
    expect(unreadable({ caFile: write('empty.pem', ' \n') })).toThrow(/kafka\.tls\.caFile: .*is empty/);
    expect(unreadable({ certFile: write('garbage.pem', 'canary'), keyFile: key })).toThrow(/kafka\.tls: /);
    expect(unreadable({ certFile: cert, keyFile: otherKey })).toThrow(/kafka\.tls: /);
    expect(unreadable({ certFile: write('garbage.pem', 'canary'), keyFile: key })).not.toThrow(/canary/);
  });
});

describe('the login of a connection', () => {
  it('reads the password anew for each login, without the line break at its end', async () => {
    const passwordFile = write('password', 'first \n');
    const { sasl } = secureOptions({ sasl: { ...scram, passwordFile } }, ['h'], 1000);
    const password = sasl?.password as () => string;
    expect([sasl?.mechanism, sasl?.username, password()]).toEqual(['SCRAM-SHA-512', 'u', 'first ']);
    writeFileSync(passwordFile, 'second');
    expect(password()).toBe('second');
    rmSync(passwordFile);
    expect(password).toThrow(/kafka\.sasl\.passwordFile: .*ENOENT/);
  });

  it('takes a password of the settings as it is', () => {
    const { sasl } = secureOptions({ sasl: { ...scram, mechanism: 'PLAIN', password: 'p\n' } }, ['localhost'], 1000);
    const password = sasl?.password as () => string;
    expect(password()).toBe('p\n');
  });

  it('is not made in plain text towards another machine, whoever named it', () => {
    const login = (mechanism: 'PLAIN' | 'OAUTHBEARER' | 'SCRAM-SHA-512', hosts: string[]) => () =>
      secureOptions({ sasl: { ...scram, mechanism, password: 'canary' } }, hosts, 1000);
    for (const mechanism of ['PLAIN', 'OAUTHBEARER'] as const) {
      expect(login(mechanism, ['127.0.0.1', 'kafka.example'])).toThrow(/without TLS towards kafka\.example/);
      expect(login(mechanism, ['kafka.example'])).toThrow(expect.objectContaining({ code: 'login_in_the_clear' }));
      expect(login(mechanism, ['127.0.0.1', '127.1.2.3', 'localhost', '::1'])).not.toThrow();
    }
    expect(login('SCRAM-SHA-512', ['kafka.example'])).not.toThrow();
  });

  it('refuses a broker that answers a token with an error inside of a success', () => {
    const sasl = { ...scram, mechanism: 'OAUTHBEARER' as const, oauth: { ...oauth, tokenFile: write('t', 'x') } };
    const options = secureOptions({ sasl }, ['localhost'], 1000).sasl;
    const verdicts: (Error | null)[] = [];
    for (const answer of ['', '{"status":"invalid_token"}']) {
      options?.authBytesValidator?.(Buffer.from(answer), (error) => verdicts.push(error));
    }
    expect(verdicts).toEqual([null, expect.objectContaining({ code: 'login_failed' })]);
  });
});
