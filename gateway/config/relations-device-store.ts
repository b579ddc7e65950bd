import { type ConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import type { GatewayConfig } from './schema.ts';

type Config = Pick<GatewayConfig, 'listeners' | 'identity' | 'mqtt'>;

const contradiction = (path: readonly string[], value: unknown, allowed: string): ConfigError => ({
  code: 'contradiction',
  setting: joinPath(['identity', ...path]),
  value: showValue(value),
  allowed,
});

/** A CONNECT may wait for two readings of its row, each of which may wait for a connection. */
const waitsPerConnect = 4;

/** Relations between the settings of the device registry. Only where a listener asks it. */
export function deviceStoreContradictions({ listeners, identity, mqtt }: Config): ConfigError[] {
  const asking = listeners.find(({ auth }) => auth === 'registry');
  if (asking === undefined) return [];
  const because = `as listener ${asking.name} has auth: registry`;
  if (identity.store === 'sqlite') {
    return identity.databasePath === '' ? [contradiction(['databasePath'], '', `a file, ${because}`)] : [];
  }
  const { url, password, passwordFile, tls, allowPlaintext, timeoutMs } = identity.postgres;
  if (!isComplete(url)) {
    return [contradiction(['postgres', 'url'], url, `postgresql://user@host:port/database, ${because}`)];
  }
  const hasPassword = new URL(url).password !== '' || password !== '';
  const longest = Math.floor((mqtt.connectTimeoutMs - 1) / waitsPerConnect);
  const rules: [boolean, readonly string[], unknown, string][] = [
    [
      passwordFile === '' || !hasPassword,
      ['postgres', 'passwordFile'],
      passwordFile,
      'nothing beside another password',
    ],
    [
      tls.enabled || allowPlaintext || isLocal(url),
      ['postgres', 'tls', 'enabled'],
      tls.enabled,
      'true, or allowPlaintext: true, as the server is on another machine',
    ],
    [tls.certFile === '' || tls.keyFile !== '', ['postgres', 'tls', 'keyFile'], '', 'the key of certFile'],
    [tls.keyFile === '' || tls.certFile !== '', ['postgres', 'tls', 'certFile'], '', 'the certificate of keyFile'],
    [
      timeoutMs <= longest,
      ['postgres', 'timeoutMs'],
      timeoutMs,
      `at most ${longest}: a CONNECT may wait ${waitsPerConnect} times as long, and must be over after mqtt.connectTimeoutMs (${mqtt.connectTimeoutMs})`,
    ],
  ];
  return rules.filter(([holds]) => !holds).map(([, path, value, allowed]) => contradiction(path, value, allowed));
}

function isComplete(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname, username, pathname } = new URL(url);
  return hostname !== '' && username !== '' && /^\/[^/]+$/.test(pathname);
}

function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
