import { type ConfigError, joinPath } from './errors.ts';
import { showValue } from './mask.ts';
import type { GatewayConfig } from './schema.ts';

type Config = Pick<GatewayConfig, 'listeners' | 'identity' | 'mqtt'>;

const contradiction = (path: readonly (string | number)[], value: unknown, allowed: string): ConfigError => ({
  code: 'contradiction',
  setting: joinPath(path),
  value: showValue(value),
  allowed,
});

/** Relations between the settings about tokens, and of these to listeners. Only where a listener takes tokens. */
export function tokenContradictions({ listeners, identity, mqtt }: Config): ConfigError[] {
  const errors = listeners.flatMap(({ auth, credentials }, index) =>
    auth === 'anonymous' && credentials !== 'secret'
      ? [contradiction(['listeners', index, 'credentials'], credentials, 'secret, as auth: anonymous asks for nothing')]
      : [],
  );
  const taker = listeners.find(({ auth, credentials }) => auth === 'registry' && credentials !== 'secret');
  if (taker === undefined) return errors;
  const { jwksFile, jwksUrl, issuer, audience, timeoutMs } = identity.tokens;
  const because = `as listener ${taker.name} takes tokens`;
  const rules: [boolean, string, unknown, string][] = [
    [jwksFile !== '' || jwksUrl !== '', 'jwksUrl', jwksUrl, `an address, or a jwksFile, ${because}`],
    [jwksFile === '' || jwksUrl === '', 'jwksUrl', jwksUrl, 'nothing beside jwksFile: one of the two'],
    [jwksUrl === '' || isTrustworthy(jwksUrl), 'jwksUrl', jwksUrl, trustworthyAddress],
    [issuer !== '', 'issuer', issuer, `who issues the tokens, ${because}`],
    [audience !== '', 'audience', audience, `who the tokens are for, ${because}`],
    [
      timeoutMs < mqtt.connectTimeoutMs,
      'timeoutMs',
      timeoutMs,
      `less than mqtt.connectTimeoutMs (${mqtt.connectTimeoutMs}): a CONNECT may wait for the keys`,
    ],
  ];
  const broken = rules.filter(([holds]) => !holds);
  return [
    ...errors,
    ...broken.map(([, key, value, allowed]) => contradiction(['identity', 'tokens', key], value, allowed)),
  ];
}

const trustworthyAddress =
  'https, or http to this machine (127.0.0.1, [::1], localhost), without user name and password';

/** Whoever can change the keys on their way lets in whom he likes. */
function isTrustworthy(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
