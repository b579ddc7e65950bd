import { describe, expect, it } from 'vitest';
import { describeConfigError } from '../../../gateway/config/errors.ts';
import { loadConfig } from '../../../gateway/config/load.ts';
import { printConfig } from '../../../gateway/config/mask.ts';

const canary = 'canary-secret';
const remote = ['kafka.example:9093'];
const load = (kafka: object, env: Record<string, string> = {}) => loadConfig({ settings: { kafka }, env });

function problems(kafka: object, env: Record<string, string> = {}): string[] {
  const result = load(kafka, env);
  return result.ok ? [] : result.errors.map(describeConfigError);
}

const scram = { mechanism: 'SCRAM-SHA-512', userName: 'u', passwordFile: '/run/secrets/kafka' };
const iam = { awsMsk: { region: 'eu-central-1' } };
const roleArn = 'arn:aws:iam::123456789012:role/edge/gateway';
const endpoint = { tokenEndpoint: 'https://issuer.example/token', clientId: 'c', clientSecretFile: '/s' };

describe('settings of TLS and login', () => {
  it.each([
    [{ tls: { enabled: true }, sasl: scram, bootstrapBrokers: remote }],
    [{ tls: { enabled: true, caFile: 'ca.pem', certFile: 'c.pem', keyFile: 'k.pem', serverName: 'kafka.example' } }],
    [{ sasl: scram, bootstrapBrokers: remote }],
    [{ tls: { enabled: true }, sasl: { mechanism: 'OAUTHBEARER', oauth: endpoint }, bootstrapBrokers: remote }],
    [{ sasl: { mechanism: 'OAUTHBEARER', oauth: { tokenFile: '/t' } } }],
    [{ sasl: { ...scram, mechanism: 'PLAIN' } }],
    [{ tls: { enabled: true }, sasl: { mechanism: 'OAUTHBEARER', oauth: iam }, bootstrapBrokers: remote }],
    [{ tls: { enabled: true }, sasl: { mechanism: 'OAUTHBEARER', oauth: { awsMsk: { ...iam.awsMsk, roleArn } } } }],
  ])('are taken: %j', (kafka) => {
    expect(problems(kafka)).toEqual([]);
  });

  it.each([
    [{ tls: { caFile: 'ca.pem' } }, /kafka\.tls\.caFile: .*TLS is off/],
    [{ tls: { enabled: true, certFile: 'c.pem' } }, /kafka\.tls\.keyFile: .*the key of/],
    [{ tls: { enabled: true, keyFile: 'k.pem' } }, /kafka\.tls\.certFile: .*the certificate of/],
    [{ sasl: { userName: 'u' } }, /kafka\.sasl\.mechanism: .*a mechanism/],
    [{ sasl: { ...scram, userName: '' } }, /kafka\.sasl\.userName/],
    [{ sasl: { ...scram, passwordFile: '' } }, /kafka\.sasl\.passwordFile: .*or kafka\.sasl\.password/],
    [{ sasl: { ...scram, password: canary } }, /kafka\.sasl\.passwordFile: .*only one of it/],
    [
      { sasl: { ...scram, mechanism: 'PLAIN' }, bootstrapBrokers: remote },
      /kafka\.sasl\.mechanism: .*everybody on the way/,
    ],
    [{ sasl: { ...scram, mechanism: 'GSSAPI' } }, /kafka\.sasl\.mechanism: "GSSAPI" is not allowed/],
    [{ sasl: { mechanism: 'OAUTHBEARER' } }, /kafka\.sasl\.oauth\.tokenFile/],
    [{ sasl: { mechanism: 'OAUTHBEARER', oauth: { ...endpoint, clientId: '' } } }, /kafka\.sasl\.oauth\.clientId/],
    [{ sasl: { mechanism: 'OAUTHBEARER', oauth: { ...endpoint, clientSecret: canary } } }, /only one of it and/],
    [{ sasl: { mechanism: 'OAUTHBEARER', oauth: { ...endpoint, tokenEndpoint: 'http://issuer.example/' } } }, /https/],
    [{ sasl: { mechanism: 'OAUTHBEARER', oauth: { ...endpoint, tokenEndpoint: `https://u:${canary}@h/` } } }, /https/],
    [{ sasl: { mechanism: 'OAUTHBEARER', oauth: iam } }, /kafka\.tls\.enabled: .*IAM is for TLS alone/],
    [{ tls: { enabled: true }, sasl: { ...scram, oauth: iam } }, /kafka\.sasl\.mechanism: .*OAUTHBEARER, as/],
    [{ sasl: { mechanism: 'OAUTHBEARER', oauth: { ...iam, tokenFile: '/t' } } }, /oauth\.tokenFile: .*only one of it/],
    [
      { sasl: { mechanism: 'OAUTHBEARER', oauth: { ...iam, tokenEndpoint: `https://h/?key=${canary}` } } },
      /oauth\.awsMsk\.region: .*only one of it and kafka\.sasl\.oauth\.tokenEndpoint/,
    ],
    [{ sasl: { oauth: { awsMsk: { roleArn } } } }, /awsMsk\.region: .*the region of the cluster/],
    [{ sasl: { oauth: { awsMsk: { profile: 'p' } } } }, /awsMsk\.region: .*as kafka\.sasl\.oauth\.awsMsk\.profile/],
    [{ sasl: { oauth: { awsMsk: { ...iam.awsMsk, roleArn, profile: 'p' } } } }, /awsMsk\.profile: .*only one of it/],
    [{ sasl: { oauth: { awsMsk: { region: 'Frankfurt' } } } }, /awsMsk\.region: .*a region of AWS/],
    [{ sasl: { oauth: { awsMsk: { ...iam.awsMsk, roleArn: 'edge' } } } }, /awsMsk\.roleArn: .*the ARN of a role/],
  ])('are refused: %j', (kafka, message) => {
    const found = problems(kafka).join('\n');
    expect(found).toMatch(message);
    expect(found).not.toContain(canary);
  });

  it.each([
    [{ sasl: { ...scram, password: [canary] } }],
    [{ sasl: { ...scram, passwrod: canary } }],
    [{ sasl: canary }],
    [canary],
    [{ sasl: { oauth: { clientSecret: { canary } } } }],
  ])('never show a secret that stands in a wrong place: %j', (kafka) => {
    const result = loadConfig({ settings: { kafka }, env: {} });
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).not.toContain(canary);
  });

  it('take secrets from the environment, and print them masked', () => {
    const env = { EDGE_KAFKA_SASL_PASSWORD: canary };
    const result = load({ sasl: { ...scram, passwordFile: '' } }, env);
    if (!result.ok) throw new Error('refused');
    expect(result.config.kafka.sasl.password).toBe(canary);
    const printed = printConfig(result.config);
    expect(printed).not.toContain(canary);
    expect(printed).toContain('password: "***"');
  });
});
