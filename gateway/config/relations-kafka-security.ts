import type { ConfigError } from './errors.ts';
import type { GatewayConfig } from './schema.ts';

type Sasl = GatewayConfig['kafka']['sasl'];

/** Relations between the settings of TLS and login. Values of secrets are never shown. */
export function kafkaSecurityContradictions({ kafka }: GatewayConfig): ConfigError[] {
  return [...tlsContradictions(kafka), ...saslContradictions(kafka), ...awsMskContradictions(kafka)];
}

const contradiction = (setting: string, value: string, allowed: string): ConfigError => ({
  code: 'contradiction',
  setting: `kafka.${setting}`,
  value: `"${value}"`,
  allowed,
});

function tlsContradictions({ tls }: GatewayConfig['kafka']): ConfigError[] {
  const { enabled, certFile, keyFile } = tls;
  const texts = (['caFile', 'certFile', 'keyFile', 'serverName'] as const).filter((name) => tls[name] !== '');
  if (!enabled) {
    return texts.map((name) => contradiction(`tls.${name}`, tls[name], 'kafka.tls.enabled: true, as TLS is off'));
  }
  if (certFile !== '' && keyFile === '') return [contradiction('tls.keyFile', '', 'the key of kafka.tls.certFile')];
  if (keyFile !== '' && certFile === '')
    return [contradiction('tls.certFile', '', 'the certificate of kafka.tls.keyFile')];
  return [];
}

function saslContradictions({ tls, sasl, bootstrapBrokers }: GatewayConfig['kafka']): ConfigError[] {
  const { mechanism } = sasl;
  if (mechanism === 'none') return withoutLogin(sasl);
  const errors = mechanism === 'OAUTHBEARER' ? bearerContradictions(sasl) : passwordContradictions(sasl);
  const showsSecret = mechanism === 'PLAIN' || mechanism === 'OAUTHBEARER';
  if (showsSecret && !tls.enabled && !bootstrapBrokers.every(isLocal)) {
    errors.push(
      contradiction('sasl.mechanism', mechanism, 'kafka.tls.enabled: true, or everybody on the way reads the secret'),
    );
  }
  return errors;
}

const isLocal = (broker: string): boolean => /^(127\.0\.0\.1|localhost|\[::1\]):/.test(broker);

function withoutLogin({ userName, password, passwordFile }: Sasl): ConfigError[] {
  if (userName === '' && password === '' && passwordFile === '') return [];
  return [contradiction('sasl.mechanism', 'none', 'a mechanism, as there is a user name or a password')];
}

function passwordContradictions({ mechanism, userName, password, passwordFile }: Sasl): ConfigError[] {
  const errors: ConfigError[] = [];
  if (userName === '')
    errors.push(contradiction('sasl.userName', '', `the user, as kafka.sasl.mechanism is ${mechanism}`));
  return [...errors, ...oneOf('sasl.passwordFile', passwordFile, 'kafka.sasl.password', password)];
}

function bearerContradictions({ oauth }: Sasl): ConfigError[] {
  const { tokenEndpoint, clientId, clientSecret, clientSecretFile } = oauth;
  const source = oneSource(oauth);
  if (source.length > 0 || tokenEndpoint === '') return source;
  if (!URL.canParse(tokenEndpoint)) return [contradiction('sasl.oauth.tokenEndpoint', '***', 'an https address')];
  const errors: ConfigError[] = [];
  if (clientId === '') errors.push(contradiction('sasl.oauth.clientId', '', 'who asks kafka.sasl.oauth.tokenEndpoint'));
  const secret = [
    'sasl.oauth.clientSecretFile',
    clientSecretFile,
    'kafka.sasl.oauth.clientSecret',
    clientSecret,
  ] as const;
  return [...errors, ...oneOf(...secret)];
}

/** Tokens come from exactly one place. */
function oneSource({ tokenFile, tokenEndpoint, awsMsk }: Sasl['oauth']): ConfigError[] {
  const others = 'kafka.sasl.oauth.tokenEndpoint or kafka.sasl.oauth.awsMsk.region';
  const sources = [tokenFile, tokenEndpoint, awsMsk.region].filter((source) => source !== '');
  if (sources.length === 1) return [];
  if (sources.length === 0) return [contradiction('sasl.oauth.tokenFile', '', `it, or ${others}`)];
  // Of two one is no address: those may hold secrets.
  return tokenFile === ''
    ? [contradiction('sasl.oauth.awsMsk.region', awsMsk.region, 'only one of it and kafka.sasl.oauth.tokenEndpoint')]
    : [contradiction('sasl.oauth.tokenFile', tokenFile, `only one of it, ${others}`)];
}

function awsMskContradictions({ tls, sasl }: GatewayConfig['kafka']): ConfigError[] {
  const { region, roleArn, profile } = sasl.oauth.awsMsk;
  const name = 'sasl.oauth.awsMsk';
  if (region === '') {
    const others = { roleArn, profile };
    return (['roleArn', 'profile'] as const)
      .filter((other) => others[other] !== '')
      .map((other) =>
        contradiction(`${name}.region`, '', `the region of the cluster, as kafka.${name}.${other} is set`),
      );
  }
  const errors: ConfigError[] = [];
  if (sasl.mechanism !== 'OAUTHBEARER') {
    errors.push(contradiction('sasl.mechanism', sasl.mechanism, `OAUTHBEARER, as kafka.${name}.region is set`));
  }
  if (!tls.enabled) {
    errors.push(contradiction('tls.enabled', 'false', `true, as kafka.${name}.region is set: IAM is for TLS alone`));
  }
  if (roleArn !== '' && profile !== '') {
    errors.push(contradiction(`${name}.profile`, profile, `only one of it and kafka.${name}.roleArn`));
  }
  return errors;
}

/** Exactly one of two settings; the first one holds nothing that is secret. */
function oneOf(setting: string, value: string, otherSetting: string, otherValue: string): ConfigError[] {
  if ((value === '') !== (otherValue === '')) return [];
  return [
    contradiction(setting, value, value === '' ? `it, or ${otherSetting}` : `only one of it and ${otherSetting}`),
  ];
}
